"""Keys and tokens of services, which are recognized by their format, as a table.

A new service is a new row: its name, the prefixes of its keys, and what follows. The prefixes are triggers, too: a
pattern is tried only on texts that contain one of its prefixes. Secrets that are recognized by a name beside them are
in `fields` and `assignments`, those made of digits in `numerals`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from harness.recording.redacting.kinds import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

# name | prefixes | what follows, greedily: no part of a key must stay, if other characters follow it directly
TOKENS = """
OpenAI API key          | sk-proj- sk-svcacct- sk-admin- sk-None- | [\\w-]{12,}
Anthropic API key       | sk-ant-                   | [\\w-]{12,}
Langfuse key            | sk-lf- pk-lf-             | [\\w-]{12,}
API key                 | sk-                       | (?=[a-z_-]{0,40}[A-Z0-9])[\\w-]{16,}
API key                 | sk-                       | [\\w-]{0,20}\\*{3,}[\\w*-]*
OpenAI session token    | sess-                     | [A-Za-z0-9]{20,}
OpenAI organization     | org-                      | (?=[A-Za-z]{0,40}\\d)[A-Za-z0-9]{16,}
OpenAI project          | proj_                     | [A-Za-z0-9]{16,}
OpenAI user             | user-                     | (?=[A-Za-z]{0,40}\\d)[A-Za-z0-9]{20,}
OpenAI ephemeral key    | ek_                       | [A-Za-z0-9]{20,}
OpenAI key id           | key_                      | (?=[A-Za-z]{0,40}\\d)[A-Za-z0-9]{16,}
AWS access key id       | AKIA ASIA ABIA ACCA AROA AIDA | [A-Z0-9]{16,}
Google API key          | AIza                      | [\\w-]{35,}
Google OAuth token      | ya29.                     | [\\w.-]{20,}
Google refresh token    | 1//0                      | [\\w-]{20,}
Google client secret    | GOCSPX-                   | [\\w-]{20,}
GitHub token            | ghp_ gho_ ghu_ ghs_ ghr_  | [A-Za-z0-9]{30,}
GitHub token            | github_pat_               | \\w{22,}
GitLab token            | glpat- gldt- glrt- glcbt- glptt- glft- glsoat- | [\\w.-]{20,}
Slack token             | xoxa- xoxb- xoxc- xoxd- xoxe- xoxo- xoxp- xoxr- xoxs- xoxe. xapp- | [\\w%.-]{16,}
Stripe key              | sk_live_ sk_test_ rk_live_ rk_test_ pk_live_ whsec_ | [A-Za-z0-9+/=]{16,}
Hugging Face token      | hf_ api_org_              | [A-Za-z0-9]{30,}
Groq API key            | gsk_                      | [A-Za-z0-9]{20,}
xAI API key             | xai-                      | [A-Za-z0-9]{20,}
Perplexity API key      | pplx-                     | [A-Za-z0-9]{20,}
Replicate token         | r8_                       | [A-Za-z0-9]{30,}
Pinecone API key        | pcsk_                     | \\w{20,}
NVIDIA API key          | nvapi-                    | [\\w-]{20,}
LangSmith API key       | lsv2_pt_ lsv2_sk_ ls__    | \\w{20,}
Tavily API key          | tvly-                     | [\\w-]{20,}
Databricks token        | dapi                      | [0-9a-f]{32,}(?:-\\d)?
Cerebras API key        | csk-                      | [A-Za-z0-9]{20,}
E2B API key             | e2b_                      | [0-9a-f]{20,}
Firecrawl API key       | fc-                       | [0-9a-f]{32,}
ElevenLabs API key      | sk_                       | [0-9a-f]{40,}
Fireworks API key       | fw_                       | [A-Za-z0-9]{20,}
Jina API key            | jina_                     | [\\w-]{30,}
Voyage API key          | pa-                       | (?=[A-Za-z_-]{0,40}\\d)[\\w-]{40,}
Linear API key          | lin_api_ lin_oauth_       | [A-Za-z0-9]{30,}
Notion token            | ntn_ secret_              | [A-Za-z0-9]{40,}
Airtable token          | pat                       | [A-Za-z0-9]{14}\\.[0-9a-f]{64,}
Atlassian token         | ATATT3 ATCTT3 ATBB        | [\\w=-]{24,}
Discord webhook         | discord.com/api/webhooks/ discordapp.com/api/webhooks/ | \\d+/[\\w-]{20,}
Slack webhook           | hooks.slack.com/services/ | [\\w/]{20,}
Teams webhook           | webhook.office.com/webhookb2/ | [\\w@/-]{20,}
Telegram bot token      | \\d{8,10}:AA              | [\\w-]{30,}
Twilio SID              | AC SK                     | [0-9a-f]{32,}
SendGrid API key        | SG.                       | [\\w-]{16,}\\.[\\w-]{16,}
Mailgun API key         | key-                      | [0-9a-f]{32,}
Mailchimp API key       | [0-9a-f]{32}-us           | \\d{1,2}
Brevo API key           | xkeysib-                  | [0-9a-f]{40,}[\\w-]*
npm token               | npm_                      | [A-Za-z0-9]{30,}
PyPI token              | pypi-                     | [\\w-]{40,}
RubyGems key            | rubygems_                 | [0-9a-f]{40,}
Docker token            | dckr_pat_ dckr_oat_       | [\\w-]{20,}
DigitalOcean token      | dop_v1_ doo_v1_ dor_v1_   | [0-9a-f]{40,}
Heroku key              | HRKU-                     | [\\w-]{20,}
Netlify token           | nfp_ nfc_ nfo_            | [A-Za-z0-9]{30,}
Fly.io token            | fo1_ fm2_                 | [\\w+/=,-]{20,}
Doppler token           | dp.pt. dp.st. dp.ct. dp.sa. | [\\w.]{30,}
Vault token             | hvs. hvb. hvr.            | [\\w-]{20,}
Terraform token         | [A-Za-z0-9]{14}\\.atlasv1\\. | [\\w-]{40,}
Shopify token           | shpat_ shpca_ shppa_ shpss_ | [0-9a-fA-F]{32,}
Square token            | sq0atp- sq0csp- sq0idp-   | [\\w-]{20,}
PayPal token            | access_token$production$  | [0-9a-z$]{20,}
Facebook token          | EAACEdEose0cBA EAAG EAAB EAAM | [A-Za-z0-9]{60,}
New Relic key           | NRAK- NRJS- NRII-         | [\\w-]{19,}
Sentry token            | sntrys_ sntryu_           | [\\w+/=]{30,}
Grafana token           | glsa_ glc_                | [\\w+/=]{30,}
PostHog key             | phx_ phc_                 | [A-Za-z0-9]{30,}
Supabase token          | sbp_ sb_secret_           | [\\w-]{20,}
PlanetScale token       | pscale_tkn_ pscale_pw_ pscale_oauth_ | [\\w.-]{30,}
Prefect key             | pnu_ pnb_                 | [A-Za-z0-9]{30,}
Pulumi token            | pul-                      | [0-9a-f]{40,}
Postman key             | PMAK-                     | [0-9a-f]{24}-[0-9a-f]{30,}
Dropbox token           | sl.                       | [\\w-]{100,}
Figma token             | figd_ figo_               | [\\w-]{30,}
1Password token         | ops_                      | eyJ[\\w-]{30,}
age secret key          | AGE-SECRET-KEY-1          | [A-Z0-9]{40,}
Alibaba key id          | LTAI                      | (?=[A-Za-z]{0,40}\\d)[A-Za-z0-9]{16,}
Kakao key               | KakaoAK                   | [ ][0-9a-f]{32,}
Azure API key           | [A-Za-z0-9]{52}JQQJ99     | [A-Za-z0-9]{26,}
JSON web token          | eyJ                       | [\\w-]{8,}\\.eyJ[\\w-]{8,}(?:\\.[\\w-]*)?
JSON web token          | eyJ                       | [\\w-]{8,}(?:\\.[\\w-]*){4}
"""

# Triggers, in lower case, of kinds without a fixed prefix.
LATER_TRIGGERS = {
    "Telegram bot token": ":aa",
    "Mailchimp API key": "-us",
    "Terraform token": ".atlasv1.",
    "Azure API key": "jqqj99",
}
# The prefix of stand-ins, where it is not the first prefix of the row.
PREFIXES = {"OpenAI API key": "sk-", "JSON web token": "jwt-", "Slack webhook": "", "Kakao key": "KakaoAK "}
PREFIXES |= dict.fromkeys(
    [*LATER_TRIGGERS, "Airtable token", "Twilio SID", "Google refresh token", "Teams webhook"], ""
)


def _beginning(text: str, rest: str) -> str:
    """A pattern for a prefix at the beginning of a word; escapes such as `\\n` before it are not part of the word.

    The lookbehind comes last, because a pattern that begins with letters is found much faster. Where dots separate what
    follows, a word may contain hyphens: a pattern that is tried at each of its parts would take quadratic time.
    """
    before = r"[\w.-]" if r"\." in rest else "[A-Za-z0-9]"
    return rf"{text}(?:(?<!{before}{text})|(?<=\\[bfnrt]{text}))"


def _rows() -> Iterator[Kind]:
    for row in TOKENS.strip().splitlines():
        name, beginnings, rest = (cell.strip() for cell in row.split("|", 2))
        inside = LATER_TRIGGERS.get(name)
        starts = beginnings.split()
        if inside:
            begins = rf"(?:(?<![A-Za-z0-9])|(?<=/bot)){starts[0]}"  # Telegram's URLs: /bot<token>/sendMessage
        else:
            begins = f"(?:{'|'.join(_beginning(re.escape(start), rest) for start in starts)})"
        yield Kind(
            name=name,
            triggers=(inside,) if inside else tuple(start.lower() for start in starts),
            pattern=re.compile(begins + rest, re.ASCII),
            disguise=PREFIXES.get(name, starts[0]),
            strong=True,
        )


TOKEN_KINDS = tuple(_rows())
PRIVATE_KEY = Kind(
    name="private key",
    triggers=("-----begin",),
    # up to its end, or where the text was cut off; the body has no five hyphens, so no byte is scanned twice
    pattern=re.compile(
        r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"
        r"(?:[^-]*(?:-(?!----)[^-]*)*-----END [A-Z0-9 ]{0,40}-----"
        r"|[\s\\nr]*[A-Za-z0-9+/=]{16}[A-Za-z0-9+/=\s\\]*)",
        re.ASCII,
    ),
    disguise="private-key-",
    strong=True,
)
