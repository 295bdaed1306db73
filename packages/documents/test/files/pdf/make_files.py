"""Makes the PDFs beside it. Nothing in them is of a person.

    python3 -m venv out/pdf && out/pdf/bin/pip install pikepdf==10.18.0
    out/pdf/bin/python packages/documents/test/files/pdf/make_files.py
"""

from pathlib import Path

import pikepdf
from pikepdf import Dictionary, Encryption, Name

HERE = Path(__file__).parent


def one_page(**page_entries: object) -> pikepdf.Pdf:
    pdf = pikepdf.new()
    page = pdf.add_blank_page(page_size=(300, 200))
    font = pdf.make_indirect(Dictionary(Type=Name.Font, Subtype=Name.Type1, BaseFont=Name.Helvetica))
    page.obj.Resources = Dictionary(Font=Dictionary(F1=font))
    page.obj.Contents = pdf.make_stream(b"BT /F1 24 Tf 40 120 Td (Secret) Tj ET")
    for key, value in page_entries.items():
        page.obj[f"/{key}"] = value
    return pdf


def main() -> None:
    # R of ISO 32000-2, 7.6.4: 2 RC4 of 40 bits, 3 RC4 of 128, 4 AES of 128, 6 AES of 256.
    for name, revision, aes in (("rc4-40", 2, False), ("rc4-128", 3, False), ("aes-128", 4, True), ("aes-256", 6, True)):
        encryption = Encryption(user="user", owner="owner", R=revision, aes=aes, metadata=aes)
        one_page().save(HERE / f"{name}.pdf", encryption=encryption, deterministic_id=False)
    one_page().save(HERE / "no-user-password.pdf", encryption=Encryption(user="", owner="owner", R=6))
    one_page(UserUnit=2).save(
        HERE / "user-unit-in-object-stream.pdf", object_stream_mode=pikepdf.ObjectStreamMode.generate
    )


if __name__ == "__main__":
    main()
