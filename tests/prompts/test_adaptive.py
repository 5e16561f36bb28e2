"""The adaptive strategy asks for what a restorer needs, and checks what a vlm wrote."""

import hashlib
import json

import pytest

from ggt.answers import Description, schema_of
from ggt.errors import GgtError
from ggt.prompts import PromptTask, _wording, adaptive
from ggt.prompts.adaptive import FIDELITY, question, write
from ggt.types import Box, Defect, Measurements
from vlm_answers import PROMPT, description

MEASURED = Measurements(1600, 1200, 6.25, 1.5, 0.42, 0.5, 0.1, 0.7, 0.4)
FIRST = PromptTask("haze", MEASURED)
MOVED = Defect(
    "object_consistency", "object_moved", 0.9, "the lamp\nstands elsewhere.", Box(10, 20, 30, 40)
)
DULL = Defect("colour_consistency", "desaturation", 0.2, "the sky is grey")
AGAIN = PromptTask("haze", MEASURED, (MOVED, DULL), previous=PROMPT)


def test_the_question_states_category_and_measurements_as_hints():
    text = question(FIRST)
    assert (
        "that may be wrong: category haze; noise of 6.2 levels of 255, edges blurred by 1.5 pixels, compression blocks "
        "0.4 (1 is clearly visible), mean brightness 0.50 of 1, all in the original file of 1600x1200 pixels."
    ) in text


def test_the_question_names_every_field_of_the_answer_in_its_order():
    text = question(FIRST)
    places = [text.find(f'"{field}"') for field in Description.model_fields]
    assert -1 not in places
    assert places == sorted(places)


def test_the_first_question_speaks_of_no_earlier_attempt():
    assert "earlier" not in question(FIRST)


def test_a_corrective_question_adds_the_instruction_and_each_defect_with_its_place():
    text = question(AGAIN)
    assert text.startswith(question(FIRST))
    assert f'"{PROMPT}"' in text
    assert (
        "- gross object moved, at 10 to 40 across and 20 to 60 down: the lamp stands elsewhere.\n"
        "- slight desaturation, in the whole picture: the sky is grey.\n"
    ) in text


def test_a_corrective_question_tells_the_five_gravest_defects():
    many = tuple(Defect("colour_consistency", f"kind_{n}", 0.5, "seen") for n in range(9))
    text = question(PromptTask("haze", MEASURED, many, previous=PROMPT))
    assert "kind 4" in text
    assert "kind 5" not in text


def test_an_instruction_that_says_what_stays_is_taken_as_it_is():
    prompt = write(FIRST, description())
    assert prompt.strategy == "adaptive"
    assert prompt.text == PROMPT
    assert prompt.defects == ()


def test_lines_are_joined_and_what_cannot_be_printed_is_taken_away():
    written = write(FIRST, description("Remove\n\n the  haze.\x07 Keep\u200b all the rest."))
    assert written.text == "Remove the haze. Keep all the rest."


@pytest.mark.parametrize(
    "prompt", ["Remove the haze from the hills.", "Do not leave any haze on the hills."]
)
def test_an_instruction_without_a_word_of_fidelity_gets_our_sentence(prompt: str):
    assert write(FIRST, description(prompt)).text == f"{prompt} {FIDELITY}"


@pytest.mark.parametrize(
    "clause", ["Do not add anything.", "Preserve the rest.", "All else unchanged."]
)
def test_an_instruction_with_such_words_does_not(clause: str):
    assert (
        write(FIRST, description(f"Remove the haze. {clause}")).text == f"Remove the haze. {clause}"
    )


def test_what_must_be_kept_is_named_where_the_instruction_does_not():
    prompt = 'Remove the haze. Keep the old man\'s face and the sign "CASINO" as they are.'
    items = ("face of the old man", "sign CASINO", "thin wires above the roof.", "flag", "flag")
    assert write(FIRST, description(prompt, *items)).text == (
        f"{prompt} Keep unchanged: thin wires above the roof; flag."
    )


def test_an_item_of_which_only_a_part_is_mentioned_is_named():
    prompt = "Remove the haze over the white roof and keep the rest."
    assert write(FIRST, description(prompt, "white lamp")).text == (
        f"{prompt} Keep unchanged: white lamp."
    )


def test_a_long_instruction_ends_after_a_whole_sentence_and_still_gets_its_fidelity_clause():
    sentence = "Remove the haze from the hill behind the lake. "
    text = write(FIRST, description(sentence * 40 + "Keep the rest.")).text
    own = text.removesuffix(f" {FIDELITY}")
    assert own != text
    assert own == (sentence * (adaptive.MAX_CHARS // len(sentence))).strip()


def test_a_long_instruction_without_sentences_ends_after_a_word():
    text = write(FIRST, description("haze " * 400)).text
    assert text == f"{('haze ' * 240).strip()} {FIDELITY}"


def test_an_instruction_that_repeats_the_rejected_one_gets_corrective_sentences():
    repeated = write(AGAIN, description())
    assert repeated.text == f"{PROMPT} {_wording.CORRECTIONS['object_moved']}"
    assert repeated.defects == (MOVED, DULL)
    better = f"{PROMPT} Leave the lamp where it stands."
    assert write(AGAIN, description(better)).text == better


def test_without_an_answer_there_is_no_prompt_of_another_strategy():
    with pytest.raises(GgtError, match="adaptive"):
        write(FIRST, None)


def test_the_version_hangs_on_every_text_that_is_sent():
    schema = json.dumps(schema_of(Description), sort_keys=True)
    texts = (adaptive.QUESTION, adaptive.AGAIN, schema)
    assert adaptive.PLUGIN.version == hashlib.sha256("\0".join(texts).encode()).hexdigest()
