"""Systems that no registry has, as their documents say that they write and read: each writer and reader is a few lines
from the page that is named with it, and shares no code with noo.

Usage: documents.py NOO WORK [FILES [SEED]]
"""

import table


def text_files(write, read, encoding="utf-8"):
    """A writer and a reader of many files, by those of one text."""
    def write_all(tables, paths):
        for rows, path in zip(tables, paths):
            with open(path, "wb") as f:
                f.write(write([table.COLUMNS, *rows]).encode(encoding))

    def read_all(paths):
        found = []
        for path in paths:
            with open(path, "rb") as f:
                found.append(read(f.read().decode(encoding))[1:])
        return found

    return write_all, read_all


def joined(rows, field, delimiter, end):
    return "".join(delimiter.join(map(field, row)) + end for row in rows)


def split(text, delimiter, end):
    """The fields of a text without quotes: terminators are looked for from the left, and nothing else has a meaning."""
    return [record.split(delimiter) for record in text.split(end)[:-1]]


def quoted_records(text, delimiter, ends):
    """The fields of a text with doubled quotes, character by character; a field in quotes keeps them as a mark."""
    rows, row, field, inside, i = [], [], "", False, 0
    while i < len(text):
        end = next((e for e in ends if text.startswith(e, i)), None)
        if inside:
            if text.startswith('""', i):
                field, i = field + '"', i + 2
                continue
            if text[i] == '"':
                inside = False
            else:
                field += text[i]
        elif text[i] == '"' and field == "":
            inside = True
        elif text[i] == delimiter:
            row, field = [*row, field], ""
        elif end:
            rows, row, field, i = [*rows, [*row, field]], [], "", i + len(end)
            continue
        else:
            field += text[i]
        i += 1
    return rows


def doubled(value):
    return '"' + value.replace('"', '""') + '"'


def bcp(delimiter="\t", end="\r\n"):
    """Microsoft Learn, "Specify field and row terminators" and "bcp utility": -c writes texts as they are; the first
    terminator that comes ends a field. An empty text is a NUL, which noo refuses, so that there is none here."""
    return text_files(lambda rows: joined(rows, lambda v: v or "", delimiter, end), lambda text: split(text, delimiter, end))


def ssms():
    """Microsoft Learn, "Options (Query Results/SQL Server/Results to Grid)": without "Quote strings containing list
    separators when saving .csv results", texts are as they are; null is the word. The file starts with a mark."""
    return text_files(lambda rows: "\ufeff" + joined(rows, lambda v: "NULL" if v is None else v, ",", "\r\n"),
                      lambda text: split(text.removeprefix("\ufeff"), ",", "\r\n"))


def sqlcmd():
    """Microsoft Learn, "sqlcmd utility": -s sets the separator, -W takes trailing blanks off; dashes are below the names,
    and the number of rows below the records."""
    def write(rows):
        names, *rows = rows
        lines = [",".join(names), ",".join("-" * len(name) for name in names)]
        lines += [",".join("NULL" if v is None else v.rstrip(" ") for v in row) for row in rows]
        return "\n".join([*lines, "", f"({len(rows)} rows affected)", ""])

    def read(text):
        lines = text.split("\n")
        return [line.split(",") for i, line in enumerate(lines) if line and i != 1 and not line.startswith("(")]

    return text_files(write, read)


def ssis():
    """Microsoft Learn, "Flat File Connection Manager": a text qualifier goes around each text; quotes in it are not
    doubled. The reader takes a quote before a delimiter or a row's end for the closing one."""
    def read(text):
        rows = []
        for record in text.split("\r\n")[:-1]:
            rows.append(record[1:-1].split('","'))
        return rows

    return text_files(lambda rows: joined(rows, lambda v: '"' + (v or "") + '"', ",", "\r\n"), read)


def sqlplus():
    """Oracle, SQL*Plus User's Guide, "SET MARKUP CSV": texts are in quotes and quotes are doubled; null is empty; a blank
    line is above, and with feedback the number of rows below."""
    def write(rows):
        body = joined(rows, lambda v: "" if v is None else doubled(v), ",", "\n")
        return f"\n{body}\n{len(rows) - 1} rows selected.\n"

    def read(text):
        return [row for row in quoted_records(text.lstrip("\n"), ",", ["\n"]) if len(row) == 4]

    return text_files(write, read)


def sas():
    """Base SAS Procedures Guide, "EXPORT Procedure", and the option DSD of the FILE statement: a value with a comma or a
    quote is in quotes, which are doubled; a missing value is nothing. SAS ends a record at each line feed."""
    return text_files(lambda rows: joined(rows, lambda v: doubled(v) if v and ("," in v or '"' in v) else v or "", ",", "\n"),
                      lambda text: quoted_records(text, ",", ["\n"]))


def powershell(kind):
    """Microsoft Learn, "Export-Csv": each value is in quotes, which are doubled; null is nothing; Windows PowerShell writes
    the type above."""
    above = "#TYPE System.Data.DataRow\r\n" if kind else ""
    return text_files(lambda rows: above + joined(rows, lambda v: "" if v is None else doubled(v), ",", "\r\n"),
                      lambda text: quoted_records(text.removeprefix(above), ",", ["\r\n"]))


def bigquery():
    """BigQuery, "EXPORT DATA": a comma, line feeds, and quotes where a text has a delimiter, a quote or a line ending."""
    def field(value):
        return doubled(value) if value and any(c in value for c in ',"\n\r') else value or ""

    return text_files(lambda rows: joined(rows, field, ",", "\n"), lambda text: quoted_records(text, ",", ["\n"]))


def snowflake():
    r"""Snowflake, "CREATE FILE FORMAT": no enclosures, ESCAPE_UNENCLOSED_FIELD \, NULL_IF \N. On loading, an escape gives
    the next character its plain meaning, or that of \t, \n, \r, \0, \b, \f, an octal or a hexadecimal code."""
    def field(value):
        if value is None:
            return "\\N"
        return value.replace("\\", "\\\\").replace(",", "\\,").replace("\n", "\\n")

    codes = {"t": "\t", "n": "\n", "r": "\r", "b": "\b", "f": "\f", "0": "\0"}

    def read(text):
        rows, row, value, i = [], [], "", 0
        while i < len(text):
            c = text[i]
            if c == "\\":
                i += 1
                value += "\\N" if text[i] == "N" and value == "" and text[i + 1] in ",\n" else codes.get(text[i], text[i])
            elif c in ",\n":
                row, value = [*row, value], ""
                if c == "\n":
                    rows, row = [*rows, row], []
            else:
                value += c
            i += 1
        return [[None if v == "\\N" else v for v in row] for row in rows]

    return text_files(lambda rows: joined(rows, field, ",", "\n"), read)


def check(tables):
    for name, (write, read), flags, share, reasons, forbidden in [
        ("bcp", bcp(), ["--dialect", "bcp"], 0, (), ("\t", "\r\n")),
        ("bcp of Linux", bcp(end="\n"), ["--dialect", "bcp", "--record-end", "lf"], 0, (), "\t\n\r"),
        ("bcp, ASCII-delimited", bcp("\x1f", "\x1e"), ["--dialect", "bcp", "--delimiter", "0x1f", "--record-end", "0x1e"], 0, (), ""),
        ("bcp, several characters", bcp("|~|", "\r\n"), ["--dialect", "bcp", "--delimiter", "|~|"], 0, (), ("\r\n",)),
        ("SSMS", ssms(), ["--dialect", "ssms"], 0, (), (",", "\r\n")),
        ("SSMS, texts with commas", ssms(), ["--dialect", "ssms"], 0, (), ""),
        ("sqlcmd", sqlcmd(), ["--dialect", "sqlcmd", "--footer-lines", "1"], 0, (), ",\r\n"),
        ("SSIS", ssis(), ["--dialect", "ssis"], 0.4, table.READINGS, "\r\n"),
        ("SQLPlus", sqlplus(), ["--dialect", "oracle", "--footer-lines", "1"], 0, (), ""),
        ("SAS", sas(), [], 0, (), "\r\n"),
        ("PowerShell", powershell(False), [], 0, (), ""),
        ("PowerShell of Windows", powershell(True), ["--header-lines", "1"], 0, (), ""),
        ("BigQuery", bigquery(), [], 0, (), ""),
        ("Snowflake", snowflake(), ["--dialect", "snowflake"], 0, (), ""),
    ]:
        tables.hold(name, write, read, flags, share, reasons, forbidden, least=0.05)


if __name__ == "__main__":
    table.main(check)
