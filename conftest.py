"""What pytest takes only from a conftest.py at the root: the tests of the plugin run pytest themselves."""

pytest_plugins = ["pytester"]
