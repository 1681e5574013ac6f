"""R's writers and readers: write.table and write.csv, readr, data.table.

Usage: r.py NOO WORK [FILES [SEED]]
"""

import subprocess

import table

# Shows a frame as lines of hexadecimal texts, so that no reader of CSV comes in again.
SHOW = r"""
hex <- function(x) ifelse(is.na(x), "null", vapply(x, function(v) paste(as.character(charToRaw(enc2utf8(v))), collapse = ""), ""))
show <- function(i, f) if (nrow(f) > 0 && ncol(f) == 4) {
  cat(paste(i, hex(f[[1]]), hex(f[[2]]), hex(f[[3]]), hex(f[[4]]), sep = "|"), sep = "\n")
  cat("\n")
}
"""


def run(script):
    done = subprocess.run(["Rscript", "--vanilla", "-"], input=script, capture_output=True, text=True, env={"LC_ALL": "C.UTF-8", "PATH": "/usr/bin:/bin"})
    if done.returncode != 0:
        raise SystemExit(done.stderr)
    return done.stdout


def literal(value):
    if value is None:
        return "NA_character_"
    for plain, escaped in [("\\", "\\\\"), ('"', '\\"'), ("\n", "\\n"), ("\r", "\\r"), ("\t", "\\t")]:
        value = value.replace(plain, escaped)
    return f'"{value}"'


def writer(library, call):
    def write(tables, paths):
        script = library + "\n"
        for rows, path in zip(tables, paths):
            columns = (f"{name} = c({', '.join(literal(row[i]) for row in rows)})" for i, name in enumerate(table.COLUMNS))
            script += f"f <- data.frame({', '.join(columns)}, stringsAsFactors = FALSE)\n" + call.replace("PATH", literal(path)) + "\n"
        run(script)

    return write


def reader(library, call):
    def read(paths):
        script = library + SHOW
        for i, path in enumerate(paths):
            # A file that is not read shows nothing.
            script += f"try(show({i}, {call.replace('PATH', literal(path))}), silent = TRUE)\n"
        found = [[] for _ in paths]
        for line in run(script).splitlines():
            if line:
                i, *values = line.split("|")
                found[int(i)].append([None if v == "null" else bytes.fromhex(v).decode() for v in values])
        return found

    return read


def check(tables):
    readr, data_table = "library(readr)", "suppressMessages(library(data.table))"
    texts = 'colClasses = "character", na.strings = "NA", check.names = FALSE'
    text = 'col_types = cols(.default = "c"), progress = FALSE, trim_ws = FALSE'
    for name, library, writing, reading, flags, share, reasons in [
        ("R, write.csv", "", "write.csv(f, PATH, row.names = FALSE)", f"read.csv(PATH, {texts})", [], 0, ()),
        ("R, write.csv2", "", "write.csv2(f, PATH, row.names = FALSE)", f"read.csv2(PATH, {texts})", ["--delimiter", "semicolon"], 0, ()),
        ("R, write.csv with row names", "", "write.csv(f, PATH)", f"read.csv(PATH, {texts}, row.names = 1)", [], 0, ()),
        ("R, write.table", "", "write.table(f, PATH, row.names = FALSE)", f"read.table(PATH, header = TRUE, allowEscapes = FALSE, {texts})",
         ["--dialect", "r"], 0, ()),
        ("R, write.table with row names", "", "write.table(f, PATH)",
         f"read.table(PATH, header = FALSE, skip = 1, row.names = 1, {texts})",
         ["--dialect", "r", "--header-lines", "1", "--no-header", "--column", "3"], 0, ()),
        ("R, write.table with doubled quotes", "", 'write.table(f, PATH, sep = "\\t", qmethod = "double", row.names = FALSE)',
         f"read.table(PATH, header = TRUE, sep = '\\t', {texts})", ["--delimiter", "tab"], 0, ()),
        ("readr, write_csv", readr, "write_csv(f, PATH)", f"read_csv(PATH, {text})", [], 0, ()),
        ("readr, write_excel_csv2", readr, "write_excel_csv2(f, PATH)", f"read_csv2(PATH, {text})", ["--delimiter", "semicolon"], 0, ()),
        ("data.table, fwrite", data_table, "fwrite(f, PATH)", f'fread(PATH, colClasses = "character", na.strings = "", sep = ",", header = TRUE)',
         [], 0.5, (table.RETURN,)),
        ("data.table, fwrite with escapes", data_table, 'fwrite(f, PATH, quote = TRUE, qmethod = "escape", sep = ";")',
         'fread(PATH, colClasses = "character", na.strings = "", sep = ";", header = TRUE)', ["--delimiter", "semicolon", "--escape", "quoted"], 0, ()),
    ]:
        tables.hold(name, writer(library, writing), reader(library, reading), flags, share, reasons, least=0)


if __name__ == "__main__":
    table.main(check)
