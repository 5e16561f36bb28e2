"""What litellm makes of the simulated provider: asks it over both wires, prints a JSON object. Runs where litellm is.

python litellm_client.py http://127.0.0.1:PORT PICTURE.png SCHEMA.json
"""

import base64
import hashlib
import json
import os
import sys
import urllib.request
from functools import partial
from importlib.metadata import version
from pathlib import Path

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # else a table of prices is fetched

import litellm

litellm.suppress_debug_info = True

URL, PICTURE, SCHEMA = sys.argv[1], Path(sys.argv[2]), json.loads(Path(sys.argv[3]).read_text())
PROMPT = "Remove the noise."
BASES = {"openai": f"{URL}/v1", "gemini": f"{URL}/v1beta"}
MFM = {"openai": "openai/gpt-image-2-2026-04-21", "gemini": "gemini/gemini-3.1-flash-image"}
VLM = {"openai": "openai/gpt-6.1-sol", "gemini": "gemini/gemini-3.1-pro-preview"}
DATA_URI = "data:image/png;base64," + base64.b64encode(PICTURE.read_bytes()).decode()


def reach(wire, key="simulated"):
    """Say where the simulator is, and that nothing is sent twice."""
    return {"api_base": BASES[wire], "api_key": key, "max_retries": 0, "num_retries": 0}


def edit(wire, **more):
    """Ask for one picture as OpenAI's images/edits, whatever the wire; 64x64 is what was sent."""
    size = {"size": "64x64"} if wire == "openai" else {}
    with PICTURE.open("rb") as file:
        reply = litellm.image_edit(
            model=MFM[wire], image=file, prompt=PROMPT, **size, **reach(wire, **more)
        )
    return {
        "pictures": [sha(image.b64_json) for image in reply.data],
        "usage": reply.usage.model_dump() if reply.usage else None,
    }


def chat(model, wire, content, **more):
    """Ask as OpenAI's chat/completions, whatever the wire."""
    reply = litellm.completion(
        model=model, messages=[{"role": "user", "content": content}], **more, **reach(wire)
    )
    choice = reply.choices[0]
    pictures = getattr(choice.message, "images", None) or []
    return {
        "model": reply.model,
        "text": choice.message.content,
        "finish": choice.finish_reason,
        "pictures": [sha(image["image_url"]["url"].partition(",")[2]) for image in pictures],
        "tokens": [reply.usage.prompt_tokens, reply.usage.completion_tokens],
    }


def judge(wire):
    """Ask about two pictures for JSON by a schema."""
    asked = {"name": "answer", "schema": SCHEMA, "strict": True}
    content = [text("Image A:"), shown(), text("Image B:"), shown(), text("Judge them.")]
    form = {"type": "json_schema", "json_schema": asked}
    return chat(VLM[wire], wire, content, response_format=form)


def generate():
    """Ask Gemini for a picture among texts."""
    content = [shown(), text(PROMPT)]
    return chat(MFM["gemini"], "gemini", content, modalities=["image", "text"])


def text(said):
    return {"type": "text", "text": said}


def shown():
    return {"type": "image_url", "image_url": {"url": DATA_URI}}


def sha(base64_text):
    return hashlib.sha256(base64.b64decode(base64_text)).hexdigest()


def outcome(ask):
    """What came back, or the error that litellm made of it, and how many requests that took."""
    before = num_requests()
    try:
        found = ask()
    except Exception as error:  # noqa: BLE001  # whatever litellm raises is what is looked at
        found = {"error": type(error).__name__, "message": str(error)}
    return found | {"requests": num_requests() - before}


def num_requests():
    with urllib.request.urlopen(f"{URL}/simulator/requests") as reply:
        return json.load(reply)["total"]


def behave(fault):
    body = f"[faults]\n{fault} = 1.0\n" if fault else "[faults]\n"
    urllib.request.urlopen(f"{URL}/simulator/behaviour", body.encode()).close()


CASES = {
    "openai edit": ("", partial(edit, "openai")),
    "gemini edit": ("", partial(edit, "gemini")),
    "gemini generate": ("", generate),
    "openai judge": ("", partial(judge, "openai")),
    "gemini judge": ("", partial(judge, "gemini")),
    "openai wrong key": ("", partial(edit, "openai", key="wrong")),
    "gemini wrong key": ("", partial(edit, "gemini", key="wrong")),
    "openai too many": ("rate_limit_minute", partial(edit, "openai")),
    "gemini too many": ("rate_limit_minute", partial(edit, "gemini")),
    "openai moderation": ("moderation_blocked", partial(edit, "openai")),
    "gemini moderation": ("image_safety", generate),
    "gemini blocked prompt": ("refused_prompt", generate),
    "gemini overloaded": ("overloaded", partial(edit, "gemini")),
}


def main():
    found = {"litellm": version("litellm")}
    for name, (fault, ask) in CASES.items():
        behave(fault)
        found[name] = outcome(ask)
    sys.stdout.write(json.dumps(found))


main()
