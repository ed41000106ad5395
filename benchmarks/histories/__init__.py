"""What lint says of other people's migration histories, held against what a server does."""
