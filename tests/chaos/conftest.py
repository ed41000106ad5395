from tests.journeys.fixtures import fresh_installation, installation, make_shop, ours_template, owner_url

__all__ = ["fresh_installation", "installation", "make_shop", "ours_template", "owner_url"]
