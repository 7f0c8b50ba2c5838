"""Stands in for llama-cpp-python's settings: keeps what it is given."""


class ServerSettings:
    def __init__(self, **given: object) -> None:
        self.given = given


class ModelSettings(ServerSettings):
    pass
