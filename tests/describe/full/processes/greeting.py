from jackfield import process


@process(reply="message")
def answer(message: str) -> str:
    """Answers small talk, echoes the rest."""
    match message:
        case "Привет":
            return "Привет!"
        case "Как дела?":
            return "Отлично! Как у тебя?"
        case _:
            return message
