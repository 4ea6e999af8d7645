"""A call that changes to Spanish and back: answers, a note to the team, goodbye."""

from __future__ import annotations


async def test_it_answers_in_the_language_that_the_caller_changes_to(call):
    await call.says("hi i have a question")
    await call.says("perdón mi inglés no es muy bueno cuánto dura la prueba")

    assert "catorce" in call.text
    assert call.committed.article == "trial-length"
    assert call.committed.answered


async def test_what_it_cannot_answer_there_it_does_not_invent(call):
    await call.says("hola buenos días", language="es")
    await call.says("puedo cambiar el color de los correos de mi cliente", language="es")

    assert not call.committed.answered
    assert "equipo" in call.text


async def test_a_note_to_the_team_is_taken_in_it(call):
    await call.says("hola quiero hablar con una persona", language="es")
    assert call.asks == "email"
    await call.says("ana punto ruiz arroba solmar punto example", language="es")
    assert "arroba solmar punto example" in call.text
    await call.says("sí correcto", language="es")

    assert call.recorded("follow_up_request")["email"] == "ana.ruiz@solmar.example"
    assert call.recorded("follow_up_request")["confirmed"] == "yes"


async def test_it_follows_back_to_the_first_language(call):
    await call.says("hola cuánto cuesta", language="es")
    await call.says("sorry i can speak english how long is the trial")

    assert "fourteen" in call.text


async def test_silence_is_broken_in_the_language_of_the_call(call):
    await call.says("hola cuánto cuesta", language="es")
    await call.is_silent()

    assert "Sigue" in call.text


async def test_spanish_words_in_an_english_call_change_nothing(call):
    await call.says("how do i send a document to señora lopez")

    assert not call.state.language


async def test_a_question_about_spanish_is_answered_in_english(call):
    """The word alone is no wish: it may be about the caller's own documents and customers."""
    await call.says("can my customers sign documents in spanish")

    assert not call.state.language


async def test_the_wish_to_speak_spanish_is_met(call):
    await call.says("do you speak spanish")

    assert call.state.language == "es"
