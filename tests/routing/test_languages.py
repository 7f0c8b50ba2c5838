"""Other languages than English: the verbs by which people ask for each kind of work."""

import pytest

from delegate_mcp.routing.classifier import classify


@pytest.mark.parametrize(
    ("prompt", "task_type"),
    [
        ("Fass diesen Bericht bitte in drei Sätzen zusammen", "summarization"),
        ("Übersetze das ins Englische: Wir melden uns morgen", "rewriting"),
        ("Zerleg das Vorhaben in Arbeitsschritte", "decomposition"),
        ("Schreib eine Funktion in Python, die Primzahlen zählt", "coding"),
        ("Pourquoi ce code donne-t-il une erreur undefined ?", "code_review"),
        ("Reformule cette phrase pour qu'elle soit plus polie", "rewriting"),
        ("Clasifica este comentario como positivo o negativo", "classification"),
        ("Extrae las fechas y los importes del correo", "parameter_extraction"),
        ("Ricordati che il martedì non lavoro", "reflection"),
        ("Kun je dit verslag kort samenvatten?", "summarization"),
        ("Напиши функцию, которая сортирует список", "coding"),
        ("总结一下这篇文章的主要内容", "summarization"),
        ("这段代码有什么问题", "code_review"),
        ("次の文を英語に翻訳してください", "rewriting"),
    ],
)
def test_what_is_asked_in_another_language_is_found(prompt: str, task_type: str) -> None:
    assert classify(prompt).task_type == task_type


def test_english_is_left_to_the_english_signs() -> None:
    assert not [sign for sign in classify("Summarize this report in a sentence").signals if "short of it" in sign]
