"""Tic-tac-toe. What a game has come to is the state of its group, which outlives a publish."""

from typing import Any

from jackfield import Connection, Groups, Reject, process


@process
async def sit(game: str, connection: Connection, groups: Groups) -> dict[str, str]:
    """Tells a player the mark that is his, and the board. Who comes first has X."""
    async with groups.state(groups.name("game:{game}", game=game)) as state:
        return {"mark": mark_of(connection, state), **seen(state)}


@process
async def move(cell: int, game: str, connection: Connection, groups: Groups) -> dict[str, str]:
    """Puts a player's mark into a cell; both hear the board."""
    async with groups.state(groups.name("game:{game}", game=game)) as state:
        mark, board = mark_of(connection, state), seen(state)["board"]
        if seen(state)["turn"] != mark or board[cell] != ".":
            raise Reject("not_now", "It is not your turn, or the cell is taken.")
        state["board"] = board[:cell] + mark + board[cell + 1 :]
        return seen(state)


def mark_of(connection: Connection, state: dict[str, Any]) -> str:
    """The visitor's mark; a cookie keeps the visitor over reloads."""
    players = state.setdefault("players", [])
    if connection.visitor not in players:
        if len(players) == 2:
            raise Reject("two_play", "Two others play here.")
        players.append(connection.visitor)
    return "XO"[players.index(connection.visitor)]


def seen(state: dict[str, Any]) -> dict[str, str]:
    board = state.get("board", "." * 9)
    lines = [board[0:3], board[3:6], board[6:9], board[0::3], board[1::3], board[2::3], board[0::4], board[2:7:2]]
    won = next((mark for mark in "XO" if mark * 3 in lines), "")
    return {"board": board, "won": won, "turn": "" if won or "." not in board else "OX"[board.count(".") % 2]}
