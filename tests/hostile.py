"""Process files that fail wherever a project's own code is called while it is loaded. All are wrong by accident."""

from __future__ import annotations

__all__ = ["AT_LOAD", "HARMLESS"]

_HEAD = """\
import asyncio, dataclasses, enum, functools, os, sys
from typing import Annotated, Any
import msgspec
from jackfield import Connection, Key, process, resource

class Evil:
    def __getattribute__(self, name): sys.exit(f"asked for {name}")
    def __repr__(self): raise KeyboardInterrupt
    __eq__ = __hash__ = __bool__ = __len__ = __iter__ = __call__ = __str__ = __repr__

"""
_SAY = "@process\ndef say(text: str) -> str:\n    return text\n"

AT_LOAD: dict[str, str] = {
    "exit at import": _HEAD + "sys.exit('DATABASE_URL is missing')\n" + _SAY,
    "Ctrl-C at import": _HEAD + "raise KeyboardInterrupt\n" + _SAY,
    "cancelled at import": _HEAD + "raise asyncio.CancelledError\n" + _SAY,
    "closed at import": _HEAD + "raise GeneratorExit\n" + _SAY,
    "an exception without a text": _HEAD
    + "class Mute(BaseException):\n    def __str__(self): sys.exit(1)\n    __repr__ = __str__\nraise Mute\n",
    "an exception that hides what it is": _HEAD
    + "class Mask(Exception):\n    __class__ = property(lambda self: sys.exit(1))\n"
    + "    __traceback__ = __cause__ = __notes__ = __class__\nraise Mask\n",
    "a fault of syntax that is none": _HEAD
    + "class Mask(SyntaxError):\n    filename = lineno = msg = property(lambda self: sys.exit(1))\nraise Mask\n",
    "an exit without a text": _HEAD + "sys.exit(Evil())\n",
    "exit in a hint": _HEAD
    + "def exits(): sys.exit('no hint')\n@process\ndef say(text: 'exits()') -> str:\n    return text\n",
    "exit in the return hint": _HEAD
    + "def exits(): sys.exit('no hint')\n@process\ndef say(text: str) -> 'exits()':\n    return text\n",
    "Ctrl-C in a hint": _HEAD
    + "def stops(): raise KeyboardInterrupt\n@process\ndef say(text: 'stops()') -> str:\n    return text\n",
    "exit in a hint of a class": _HEAD
    + "def exits(): sys.exit('no hint')\n@dataclasses.dataclass\nclass Pet:\n    name: 'exits()'\n"
    + "@process\ndef say(pet: Pet) -> str:\n    return ''\n",
    "a hint without a name": _HEAD + "@process\ndef say(text: Annotated[Evil(), 1]) -> str:\n    return ''\n",
    "a note": _HEAD + "@process\ndef say(text: Annotated[str, Evil()]) -> str:\n    return text\n",
    "a metaclass": _HEAD
    + "class Meta(type):\n    def __getattribute__(cls, name): sys.exit(name)\n    def __repr__(cls): sys.exit(1)\n"
    + "class Odd(metaclass=Meta): pass\n@process\ndef say(text: Odd) -> str:\n    return ''\n",
    "a default": _HEAD
    + "@dataclasses.dataclass\nclass Pet:\n    name: str = ''\n    def __post_init__(self): self.name or sys.exit(1)\n"
    + "tom = Pet('Tom')\ntom.name = ''\n@process\ndef say(pet: Pet = tom) -> str:\n    return ''\n",
    "a default that cannot be copied": _HEAD
    + "class Odd:\n    def __deepcopy__(self, memo): sys.exit(1)\n"
    + "@process\ndef say(text: Any = Odd()) -> str:\n    return ''\n",
    "a signature": _HEAD
    + "class Odd(functools.partial):\n    __signature__ = property(lambda self: sys.exit(1))\n    __wrapped__ = print\n"
    + "    __name__ = 'say'\n    __module__ = __name__\nsay = process(Odd(print))\nsay.__module__ = __name__\n",
    "what a decorator wraps": _HEAD
    + "class timed:\n    def __init__(self, function): functools.update_wrapper(self, function)\n"
    + "    def __call__(self, text): return text\n"
    + "    __wrapped__ = property(lambda self: sys.exit(1), lambda *_: None)\n"
    + "@timed\n@process\ndef say(text: str) -> str:\n    return text\n",
    "what a decorator wraps is itself": _HEAD
    + "@process\ndef say(text: str) -> str:\n    return text\nsay.__wrapped__ = say\n",
    "the key of the reply": _HEAD
    + "class Key(str):\n    def __eq__(self, other): sys.exit(1)\n    __hash__ = None\n"
    + "@process(reply=Key('x'))\ndef say(text: str) -> str:\n    return text\n",
    "a module in place of the module": _HEAD + "sys.modules[__name__] = Evil()\n" + _SAY,
    "an enum": _HEAD
    + "class Colour(enum.Enum):\n    RED = 'red'\n    value = property(lambda self: sys.exit(1))\n"
    + "@process\ndef say(colour: Colour) -> str:\n    return ''\n",
}
"""The text of processes/say.py whose process say.say cannot be had, by what is wrong with it."""

HARMLESS: dict[str, str] = {
    "a variable that exits": _HEAD + "current = Evil()\n" + _SAY,
    "a variable that is not there yet": _HEAD
    + "class Local:\n    def __getattr__(self, name): raise RuntimeError('Working outside of application context.')\n"
    + "    __class__ = property(lambda self: self.x)\n    __dict__ = __class__\n"
    + "    def __call__(self): ...\ncurrent_app = Local()\n"
    + _SAY,
    "a class of a metaclass": _HEAD
    + "class Meta(type):\n    def __getattribute__(cls, name): sys.exit(name)\nclass Odd(metaclass=Meta): pass\n"
    + _SAY,
    "a module's own __getattr__": _HEAD + "def __getattr__(name): sys.exit(name)\n" + _SAY,
    "a module that is taken away": _HEAD + "del sys.modules[__name__]\n" + _SAY,
    "a name that is none": _HEAD + "globals()[7] = globals()[Ellipsis] = 8\n" + _SAY,
}
"""Such a text whose process can be had: what is odd in it is nobody's business."""
