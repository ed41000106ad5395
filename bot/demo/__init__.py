"""`lockkeeper demo`: a sample shop with live traffic, GitHub's sandbox, and the product as it is.

Nothing here reaches into the product: it is started, told what to do and looked at from
outside, as anybody would.
"""
