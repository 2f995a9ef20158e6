import re

import phonenumbers
import pytest
from phonenumbers import PhoneNumberFormat, PhoneNumberType
from stdnum import iban, luhn

from app.evaluators.kinds import kind
from app.evaluators.kinds.personal_data import _IBAN_LENGTHS
from tests.evaluators.cases import value, verdict
from tests.evaluators.data import rows_of

IBANS = ["DE89370400440532013000", "GB29NWBK60161331926819", "FR1420041010050500013M02606",
         "NO9386011117947", "MT84MALT011000012345MTLCAST001S", "CH9300762011623852957"]  # fmt: skip
CARDS = ["4111111111111111", "5555555555554444", "378282246310005", "6011111111111117", "3530111333300000",
         "30569309025904", "2223003122003222", "6212341111111111116"]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Write to jane.doe+x@mail.example.co.uk.", "e-mail j…@….uk"),
        ("<mailto:J@example.com>", "e-mail J…@….com"),
        ("Call +49 (0)171 1234567 now", "phone …67"),
        ("Call 0049 171 1234567 now", "phone …67"),
        ("(212) 555-0143", "phone …43"),
        ("212-555-0143", "phone …43"),
        ("0171-1234567", "phone …67"),
        ("03-1234-5678", "phone …78"),
        ("+49\u201130\u2011123456", "phone …56"),
        ("+49\u00a030\u202f123456", "phone …56"),
        ("de89 3704 0044 0532 0130 00", "IBAN de…00"),
        ("DE89-3704-0044-0532-0130-00", "IBAN DE…00"),
        ("DE89\u00a03704\u00a00044\u00a00532\u00a00130\u00a000", "IBAN DE…00"),
        ("card 4111.1111.1111.1111", "card …11"),
        ("card 4111–1111–1111–1111", "card …11"),
        ("a@example.рф", "e-mail a…@….рф"),
        ("030 12345678", "phone …78"),
        ("020 7946 0958", "phone …58"),
        ("01 23 45 67 89", "phone …89"),
        ("card 4111 1111 1111 1111, 12/27", "card …11"),
        ("card 4111-1111-1111-1111", "card …11"),
        ("amex 3782 822463 10005", "card …05"),
        ("IBAN DE89 3704 0044 0532 0130 00 BIC COBADEFF", "IBAN DE…00"),
        ("请联系jane@example.com获取", "e-mail j…@….com"),
        ("電話は+81 90 1234 5678です", "phone …78"),
        ("卡号4111111111111111。", "card …11"),
        ("账户DE89370400440532013000的", "IBAN DE…00"),
        ("müller@example.com", "e-mail l…@….com"),
        ("info@müller.example", "e-mail i…@….example"),
        ("1,jane@example.com", "e-mail j…@….com"),
        ("jane@example.com,42", "e-mail j…@….com"),
        ("jane@example.com:587", "e-mail j…@….com"),
        ("users/jane@example.com/2024", "e-mail j…@….com"),
        ("4111111111111111,12/27", "card …11"),
        ("4111111111111111,123", "card …11"),
        ("7,4111 1111 1111 1111,2027", "card …11"),
        ("a,1.0,4111111111111111,b", "card …11"),
        ("0,4111 1111 1111 1111", "card …11"),
        ("logo@2x.example", "e-mail l…@….example"),
        ("4111111111111111:12:2027:123", "card …11"),
        ("12,DE89370400440532013000,7", "IBAN DE…00"),
        ("1-415-555-2671", "phone …71"),
        ("1 (415) 555-2671", "phone …71"),
        ("17,212-555-0143,2024", "phone …43"),
    ],
)
def test_personal_data_is_found_and_masked(text, found):
    assert verdict("personal_data", text).rationale == f"found: {found}"
    assert value("personal_data", text) is False


@pytest.mark.parametrize("number", IBANS)
def test_accounts_are_those_that_the_standard_accepts(number):
    assert iban.is_valid(number)
    grouped = " ".join(number[at : at + 4] for at in range(0, len(number), 4))
    for text in (number, grouped, f"({number})", f"IBAN:{number}."):
        assert verdict("personal_data", text).rationale == f"found: IBAN {number[:2]}…{number[-2:]}", text
    for at in range(2, len(number)):
        other = number[:at] + ("1" if number[at] != "1" else "2") + number[at + 1 :]
        assert (verdict("personal_data", other, card=False, phone=False).value is False) == iban.is_valid(
            other
        )


def test_the_lengths_are_those_of_the_registry():
    for country, length in _IBAN_LENGTHS.items():
        ((_, known),) = iban._ibandb.info(country)
        assert length == 4 + sum(map(int, re.findall(r"(\d+)!", known["bban"]))), country
        body = "1" * (length - 4)
        number = f"{country}{iban.calc_check_digits(f'{country}00{body}')}{body}"
        assert verdict("personal_data", number, card=False, phone=False).value is False, number


def test_a_card_in_the_second_cell_of_a_line_is_found():
    assert value("personal_data", "id,card\n0,4539148803436467", phone=False) is False


@pytest.mark.parametrize("number", CARDS)
def test_cards_have_luhns_digit(number):
    assert luhn.is_valid(number)
    assert verdict("personal_data", number, phone=False).rationale == f"found: card …{number[-2:]}"
    for at in range(6, len(number)):
        other = number[:at] + str((int(number[at]) + 1) % 10) + number[at + 1 :]
        assert not luhn.is_valid(other)
        assert value("personal_data", other, phone=False) is True


def test_phone_numbers_of_every_country_are_found():
    """Their international form, as the library of Google's phones writes it."""
    missed = []
    for region in phonenumbers.SUPPORTED_REGIONS:
        for sort in (PhoneNumberType.FIXED_LINE, PhoneNumberType.MOBILE):
            number = phonenumbers.example_number_for_type(region, sort)
            if number:
                for form in (PhoneNumberFormat.INTERNATIONAL, PhoneNumberFormat.E164):
                    text = phonenumbers.format_number(number, form)
                    if value("personal_data", f"Call {text}.") is not False:
                        missed.append(text)
    assert len(missed) <= 8, missed  # islands whose numbers have fewer than eight digits


@pytest.mark.parametrize(
    "text",
    [
        "Order 4111111111111112", "Order no. 100012345678", "ticket #20240501-12345", "invoice 2024-000123",
        "On 2024-05-01 at 12:30:45", "01.02.2024", "2024/05/01 10:20", "from 1990 to 2024", "version 1.2.3.4",
        "v10.0.19041.1", "Python 3.11.7", "2,000,000 users", "1 234 567", "3.14159265358979", "ISBN 978-3-16-148410-0",
        "1234567890123", "550e8400-e29b-41d4-a716-446655440000", "0x1F4A", "GB12 Ltd", "DE89", "SHA 9f86d081884c7d65",
        "img/logo@2x.png", "![x](icon@1.5x.JPG)", "p = 0,4539578763621486", "by -0,4539578763621486",
        "a@b", "@jane on the net", "x = a @ b.T", "12 + 34567890 = ?", "00123456789", "0012345678", "100-200-300",
        "555-12", "03-12-2024", "0306-40615-2", "42 km in 3:15:20", "4 4 4 4 4 4 4 4", "RFC 2822", "10:20:30", "std::vector<int>",
        "at 12:01 23 45 67 89", "+49 171 123 456,000", "1.415-555-26711", "11-415-555-2671", "",
    ],
)  # fmt: skip
def test_other_numbers_and_signs_are_none(text):
    found = verdict("personal_data", text, ip_address=True)
    assert (found.value, found.rationale) == (True, None)


def test_real_texts_are_free_of_it():
    """Questions, abstracts and their sums: nothing of it is anybody's."""
    texts = [one["extractive_oracle"] for one in rows_of("scitldr/abstracts.jsonl")]
    texts += [one["question"] for one in rows_of("gsm8k/questions.jsonl")]
    texts += [
        text for one in rows_of("squad11/predictions.jsonl") for text in (one["question"], one["match_lstm"])
    ]
    assert [text for text in texts if value("personal_data", text, ip_address=True) is not True] == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("host 192.168.0.17 answers", "192…"),
        ("2001:db8::8a2e:370:7334", "2001…"),
        ("300.1.1.1", None),
        ("1.2.3.4.5", None),
    ],
)
def test_addresses_of_computers_are_looked_for_when_asked(text, found):
    assert value("personal_data", text) is True
    said = verdict("personal_data", text, ip_address=True).rationale
    assert said == (f"found: IP address {found}" if found else None)


def test_what_is_not_looked_for_is_not_found():
    text = "jane@example.com, +49 171 1234567, 4111111111111111, DE89370400440532013000"
    everything = verdict("personal_data", text).rationale
    assert everything == "found: e-mail j…@….com, IBAN DE…00, card …11, phone …67"
    nothing = dict.fromkeys(("email", "phone", "card", "iban"), False)
    assert value("personal_data", text, **nothing) is True
    assert verdict("personal_data", text, **{**nothing, "card": True}).rationale == "found: card …11"


def test_no_number_is_ever_told_whole():
    text = " ".join([*IBANS, *CARDS, "+4917112345678", "jane.doe@example.com"])
    found = verdict("personal_data", text)
    assert found.value is False
    for secret in (*IBANS, *CARDS, "17112345678", "jane.doe", "example"):
        assert secret not in found.rationale
        assert len(secret) < 10 or secret[3:-3] not in found.rationale
    assert found.rationale.endswith(" and 6 more")


def test_it_answers_yes_or_no():
    assert kind("personal_data").prepare({}).traits.return_type == "boolean"
