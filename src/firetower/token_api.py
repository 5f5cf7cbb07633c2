"""The Python API of tokens: who may use `firetower serve`."""

from collections.abc import Sequence

from firetower.core.tokens import Token
from firetower.store import tokens
from firetower.store.store import Transactions


class Tokens(Transactions):
    """The tokens of a database."""

    def create(
        self, user: str, *, entity: str | None = None, read_only: bool = False
    ) -> tuple[Token, str]:
        """Make a token; return it with its key, which cannot be read again.

        `user` is the author of what is changed with it, `entity` that of scripts that name none,
        the user's name unless given. Raises InvalidInput.
        """
        return self._change(tokens.create_token, user, entity, read_only=read_only)

    def list(self) -> Sequence[Token]:
        """Return every token by user and age."""
        return self._read(tokens.list_tokens)

    def delete(self, token_id: int) -> Token:
        """Delete a token: its key opens nothing from now on. Raises NotFound."""
        return self._change(tokens.delete_token, token_id)
