"""Every row of the tables that say what is secret: each prefix, name, host and range finds its secrets."""

from __future__ import annotations

import json

import pytest
from planted_secrets import HOST, as_json, card_number, exchange, iban, random_hex, random_word

from harness.recording.redaction import Redactor

WORD, HEX, CAPITALS = random_word(120), random_hex(64), random_word(40).upper()
# The beginnings of keys, by what may follow them.
PREFIXES = {
    WORD: """
        sk-proj- sk-svcacct- sk-admin- sk-None- sk-ant- sk-lf- pk-lf- sk- sess- org- proj_ user- ek_ key_
        AIza ya29. 1//0 GOCSPX- ghp_ gho_ ghu_ ghs_ ghr_ github_pat_
        glpat- gldt- glrt- glcbt- glptt- glft- glsoat-
        xoxa- xoxb- xoxc- xoxd- xoxe- xoxo- xoxp- xoxr- xoxs- xoxe. xapp-
        sk_live_ sk_test_ rk_live_ rk_test_ pk_live_ whsec_ hf_ api_org_ gsk_ xai- pplx- r8_ pcsk_ nvapi-
        lsv2_pt_ lsv2_sk_ ls__ tvly- csk- fw_ jina_ pa- lin_api_ lin_oauth_ ntn_ secret_ ATATT3 ATCTT3 ATBB
        discord.com/api/webhooks/1/ discordapp.com/api/webhooks/1/ hooks.slack.com/services/
        webhook.office.com/webhookb2/ 123456789:AA npm_ pypi- dckr_pat_ dckr_oat_ HRKU- nfp_ nfc_ nfo_ fo1_ fm2_
        dp.pt. dp.st. dp.ct. dp.sa. hvs. hvb. hvr. a1B2c3D4e5F6g7.atlasv1. sq0atp- sq0csp- sq0idp-
        EAACEdEose0cBA EAAG EAAB EAAM NRAK- NRJS- NRII- sntrys_ sntryu_ glsa_ glc_ phx_ phc_ sbp_
        pscale_tkn_ pscale_pw_ pscale_oauth_ pnu_ pnb_ sl. figd_ figo_ ops_eyJ LTAI
    """,
    HEX: """
        dapi e2b_ fc- sk_ AC SK key- xkeysib- rubygems_ dop_v1_ doo_v1_ dor_v1_ shpat_ shpca_ shppa_ shpss_ pul-
        access_token$production$ PMAK-0123456789abcdef01234567- pata1B2c3D4e5F6g7.
    """,
    CAPITALS: "AKIA ASIA ABIA ACCA AROA AIDA AGE-SECRET-KEY-1",
    WORD[:30]: "sb_secret_",
}
KEYS = {prefix: prefix + rest for rest, prefixes in PREFIXES.items() for prefix in prefixes.split()}


def redacted_body(value, content_type="application/json"):
    body = as_json(value) if content_type == "application/json" else value.encode()
    [done] = Redactor().redact([exchange(got=body, gets=content_type)])
    return done.response_body.decode()


@pytest.mark.parametrize("key", KEYS.values(), ids=KEYS)
def test_a_key_is_known_by_its_beginning(key):
    [found] = Redactor().scan(f"see {key} here")
    assert found.excerpt == f"{key[:4]}… ({len(key)} characters)"  # all of it


SECRET_HEADERS = """
    authorization proxy-authorization x-authorization x-session-id x-csrf-token x-xsrf-token
    x-goog-iam-authorization-token api-key apikey x-api-key x-access-key x-accesskey ocp-apim-subscription-key
    x-functions-key client-secret x-auth-token x-password x-credential x-credentials x-amz-signature
    openai-organization x-openai-organization-id anthropic-organization-id organization x-org-id
    openai-project x-openai-project-id project x-goog-user-project
    x-ms-client-principal-id x-azure-ref x-account-id x-ms-tenant-id x-subscription-id user-id cf-ray
"""


@pytest.mark.parametrize("name", SECRET_HEADERS.split())
def test_a_header_is_secret_by_its_name(name):
    [done] = Redactor().redact([exchange(headers={name: "a"}, answered={name: "a"})])
    for headers in (done.request.headers, done.response.headers):
        assert headers[name].endswith("redacted-1")


ADDRESS_HEADERS = """
    x-forwarded-for forwarded x-original-forwarded-for x-client-ip cf-connecting-ip ip x-ms-forwarded-client-ip
    x-envoy-external-address via
"""


@pytest.mark.parametrize("name", ADDRESS_HEADERS.split())
def test_a_header_is_the_address_of_a_client_by_its_name(name):
    [done] = Redactor().redact([exchange(headers={name: "8.8.4.4"})])
    assert done.request.headers[name] == "192.0.2.2"


ADDRESSES = {
    "8.8.4.4": "192.0.2.2",
    "[2a00:1450:4001:81b::200e]:443": "[2001:db8::1]:443",
    "9876:1450:4001:81b:1:2:3:4567": "2001:db8::1",
    "::1": "2001:db8::1",
    **{address: address for address in ("192.0.2.7", "198.51.100.7", "203.0.113.7", "2001:db8::7")},
    **{address: address for address in ("10:30", "v1.2.3.4", "1.2.3.4.5", "a.b")},
}


@pytest.mark.parametrize(("address", "expected"), ADDRESSES.items())
def test_an_address_has_a_stand_in_that_is_nobodys(address, expected):
    [done] = Redactor().redact([exchange(headers={"x-forwarded-for": address})])
    assert done.request.headers["x-forwarded-for"] == expected


def test_hundreds_of_addresses_have_stand_ins_of_their_own():
    addresses = [f"8.8.{number % 7}.{number // 7}" for number in range(700)]
    [done] = Redactor().redact([exchange(headers={"x-forwarded-for": ", ".join(addresses)})])
    given = done.request.headers["x-forwarded-for"].split(", ")
    assert len(set(given)) == 700
    assert {address.rpartition(".")[0] for address in given} == {"192.0.2", "198.51.100", "203.0.113"}


@pytest.mark.parametrize("name", ["cookie", "cookie2", "set-cookie", "set-cookie2"])
def test_a_cookie_is_removed(name):
    [done] = Redactor().redact([exchange(headers={name: "a=b"}, answered={name: "a=b"})])
    assert name not in {**done.request.headers, **done.response.headers}


SECRET_FIELDS = """
    password my_password passwordHash password_confirm passwordConfirmation password2 passwd passphrase passcode
    secret client_secret apiKey api-key api_secret secretKey aws_secret_access_key AccountKey SharedAccessKey
    subscription_key private_key encryptionKey accessKey auth_key functions_key
    access_token refreshToken auth_token api-token id_token session_token botToken bearer_token security_token
    csrf_token xsrf-token oauth_token personal_access_token
    pwd dbPwd user_pwd 비밀번호 암호 주민등록번호 X-Amz-Signature x-goog-signature x-amz-credential authorization
    Proxy-Authorization sig JSESSIONID PHPSESSID
"""


@pytest.mark.parametrize("name", SECRET_FIELDS.split())
def test_a_field_is_secret_by_its_name(name):
    assert json.loads(redacted_body({name: "abcd"})) == {name: "redacted-1"}


PERHAPS_SECRET_FIELDS = "token my_token auth session session_id sid sessionKey credential credentials bearer cookie jwt"


@pytest.mark.parametrize("name", PERHAPS_SECRET_FIELDS.split())
def test_a_field_is_secret_by_its_name_if_its_value_looks_random(name):
    values = {name: ["a1B2c3D4e5F6g7H8", "a1B2c3D4e5F6g7H", "abcdefghijklmnop", "12345678 9012345a"]}
    assert json.loads(redacted_body(values)) == {name: ["redacted-1", *values[name][1:]]}


@pytest.mark.parametrize("name", ["key", "code", "signature", "sig", "x-amz-security-token", "X-Goog-Credential"])
def test_a_parameter_is_secret_by_its_name(name):
    [done] = Redactor().redact([exchange(f"{HOST}/files?{name}={WORD}")])
    assert done.request.url == f"{HOST}/files?{name}=redacted-1"


SIGNATURES = """
    sig signature x-amz-signature X-Amz-Credential x-amz-security-token x-goog-signature X-Goog-Credential
"""


@pytest.mark.parametrize("name", SIGNATURES.split())
def test_a_signature_is_found_in_a_text(name):
    text = "see https://x.io/a?b=1{}" + name + "={} there"
    assert redacted_body(text.format("&amp;", "abcdefgh"), "text/plain") == text.format("&amp;", "redacted-1")


DOMAINS = """
    openai.azure.com cognitiveservices.azure.com services.ai.azure.com inference.ai.azure.com documents.azure.com
    search.windows.net database.windows.net servicebus.windows.net redis.cache.windows.net blob.core.windows.net
    file.core.windows.net queue.core.windows.net table.core.windows.net dfs.core.windows.net azure-api.net
    azurewebsites.net vault.azure.net
"""


@pytest.mark.parametrize("domain", DOMAINS.split())
def test_a_host_of_azure_names_its_owner(domain):
    assert redacted_body(f"at contoso.{domain}/x", "text/plain") == f"at redacted-1.{domain}/x"


CARDS = {
    14: "300 305 36 38",
    15: "34 37",
    16: "4 51 55 2221 2229 223 2699 271 2720 6011 65 644 649 3528 3589 62 94 99",
    19: "4 62",
}


@pytest.mark.parametrize(("length", "start"), [(length, start) for length in CARDS for start in CARDS[length].split()])
def test_a_card_is_known_by_its_range(length, start):
    number = card_number(start, length)
    assert redacted_body(f"card {number}.", "text/plain") == f"card 1{1:0{length - 1}}."


COUNTRY_CODES = """
    7 20 27 30 31 32 33 34 36 39 40 41 43 44 45 46 47 48 49 51 52 53 54 55 56 57 58 60 61 62 63 64 65 66 81 82 84 86
    90 91 92 93 94 95 98 211 212 213 216 218 220 233 249 254 260 269 290 291 297 298 299 350 359 370 380 389 420 421
    423 500 509 590 599 670 679 680 689 690 691 692 850 852 853 855 856 880 886 960 968 970 979 992 993 994 995 996 998
"""


@pytest.mark.parametrize(
    ("codes", "known"), [(COUNTRY_CODES, True), ("210 219 289 429 699 839 859 889 999", False)], ids=["given", "free"]
)
def test_a_telephone_number_is_known_by_the_code_of_its_country(codes, known):
    assert not [code for code in codes.split() if bool(Redactor().scan(f"call +{code} 20 345 6789")) is not known]


IBANS = {"NO": 15, "BE": 16, "DK": 18, "NL": 18, "SI": 19, "AT": 20, "CH": 21, "GB": 22, "AE": 23, "ES": 24, "PT": 25}
IBANS |= {"TR": 26, "FR": 27, "PL": 28, "BR": 29, "KW": 30, "MT": 31, "RU": 33}


@pytest.mark.parametrize(("country", "length"), IBANS.items())
def test_an_account_has_the_length_of_its_country(country, length):
    assert [found.kind for found in Redactor().scan(f"to {iban(country, '1' * (length - 4))}.")] == ["IBAN"]
    assert not Redactor().scan(f"to {iban(country, 'A' * (length - 3))}.")
