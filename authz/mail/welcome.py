"""The letter that carries an account's first key."""

from typing import Final

from authz.domain.administration.mail import WelcomeMail
from authz.mail.letter import Code, Facts, Heading, Letter, Paragraph, Points, Secret, quote
from authz.mail.service_facts import ServiceFacts

_SHELL: Final = 'export TESSERA_API_KEY="sk-tessera-..."'

_PYTHON: Final = """\
import os
from openai import OpenAI

client = OpenAI(
    base_url="{base_url}",
    api_key=os.environ["TESSERA_API_KEY"],
)
answer = client.embeddings.create(
    model="{model}",
    input="Hello",
)
print(answer.data[0].embedding)"""

_NODE: Final = """\
import OpenAI from "openai";

const client = new OpenAI({{
  baseURL: "{base_url}",
  apiKey: process.env.TESSERA_API_KEY,
}});
const answer = await client.embeddings.create({{
  model: "{model}",
  input: "Hello",
}});
console.log(answer.data[0].embedding);"""

_CURL: Final = """\
curl {base_url}/embeddings \\
  -H "Authorization: Bearer $TESSERA_API_KEY" \\
  -H "Content-Type: application/json" \\
  -d '{{"input":"Hello","model":"{model}"}}'"""

_SAFE_PLACE: Final = (
    "Move the key into a secrets manager (1Password, Vault, AWS Secrets Manager), then delete this"
    " mail. Do not forward it."
)
_SEPARATE_KEYS: Final = (
    "Use a separate key for each environment (dev, staging, prod), and give each to as few services"
    " and people as possible."
)


def write_welcome(mail: WelcomeMail, service: ServiceFacts) -> Letter:
    """Say what the key is, how it is used, and how it is kept."""
    return Letter(
        "Your Tessera API key",
        (
            Paragraph(
                f"Welcome to Tessera. The account {quote(mail.account_name)} is set up, and this"
                " is its first API key, ready to use:"
            ),
            Secret(mail.secret),
            Paragraph(
                "This mail is the only place where the key is shown. We keep no copy of it and"
                " cannot recover it: if you lose it, it has to be rotated."
            ),
            Facts(
                (
                    ("Account", quote(mail.account_name)),
                    ("Key", quote(mail.key_name)),
                    ("Environment", quote(mail.environment)),
                    ("Base URL", service.base_url),
                    ("Model", service.model),
                )
            ),
            *_explain_use(service),
            *_explain_keeping(service),
        ),
    )


def _explain_use(service: ServiceFacts) -> tuple[Heading | Paragraph | Code, ...]:
    values = {"base_url": service.base_url, "model": service.model}
    return (
        Heading("Make the first call"),
        Paragraph(
            "The API speaks OpenAI's protocol, so the official OpenAI SDKs work with it. Load the"
            " key from an environment variable; never write it into source code or give it to a"
            " browser or an app."
        ),
        Code("Shell", _SHELL),
        Code("Python", _PYTHON.format(**values)),
        Code("Node.js", _NODE.format(**values)),
        Code("cURL", _CURL.format(**values)),
    )


def _explain_keeping(service: ServiceFacts) -> tuple[Heading | Points | Paragraph, ...]:
    return (
        Heading("What to do next"),
        Points(
            (
                _SAFE_PLACE,
                "Never commit the key. One that is found in public is revoked.",
                _SEPARATE_KEYS,
                "Rotate it immediately if you suspect that anybody else has seen it.",
            )
        ),
        Paragraph(
            f"For more keys, a rotation or any question, write to {service.support}. We will never"
            " ask you for the key itself."
        ),
    )
