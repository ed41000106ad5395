pytest_plugins = [
    "tests.plugins.home",
    "tests.plugins.postgres",
    "tests.plugins.sandbox",
    "tests.plugins.shadow",
    "tests.plugins.bench",
    "tests.plugins.no_skips",
]
