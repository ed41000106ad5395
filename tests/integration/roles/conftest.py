from tests.journeys.fixtures import owner_url

__all__ = ["owner_url"]
