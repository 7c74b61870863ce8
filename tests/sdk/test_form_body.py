from email import message_from_bytes

from mulle.sdk.form_body import multipart, urlencoded

FIELDS = {"q": "경제 & 뉴스", "n": [1, None, 2.0], "none": None}


def test_a_form_is_encoded_as_a_query():
    kind, body = urlencoded(FIELDS)

    assert kind == "application/x-www-form-urlencoded"
    assert body == "q=%EA%B2%BD%EC%A0%9C+%26+%EB%89%B4%EC%8A%A4&n=1&n=2"


def test_a_form_in_parts_is_read_as_mail_is():
    kind, body = multipart(FIELDS | {'a"b': "x"})

    message = message_from_bytes(f"Content-Type: {kind}\r\n\r\n".encode() + body)
    parts = [
        (part["Content-Disposition"], part.get_payload(decode=True))
        for part in message.walk()
        if not part.is_multipart()
    ]
    assert parts == [
        ('form-data; name="q"', "경제 & 뉴스".encode()),
        ('form-data; name="n"', b"1"),
        ('form-data; name="n"', b"2"),
        ('form-data; name="a%22b"', b"x"),
    ]


def test_the_same_fields_give_the_same_body():
    assert multipart(FIELDS) == multipart(dict(FIELDS))
