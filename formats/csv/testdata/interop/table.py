"""Random tables with texts that break readers, and what must hold of each dialect: noo either filters a file so that
the system's own reader finds exactly the rows that it found before, less those of people who opted out, or refuses it
for a documented reason, and not too often. A file that holds somebody who opted out in another column is never written.
"""

import os
import random
import subprocess
import sys

COLUMNS = ["id", "nhs_number", "note", "more"]
PARTS = ["a", "ok", " ", ",", ";", "|", "^", '"', '""', "\\", "\\\\", '\\"', "'", "\n", "\r", "\r\n", "\t", "é", "😀", "\u2028", "N", "\\N", "\\.",
         "NULL", "0", "wound 6", "{", "#", "-", "x39", "\\x39", "\\071", "C:\\temp"]

# Documented reasons to refuse a file, which docs/formats.md lists.
RETURN = "a carriage return that no line feed follows"
MIXED = ("a line feed alone, and the first line ends with CRLF", "a CRLF, and the first line ends with a line feed alone")
COUNT = "wrong number of fields"
OUTSIDE = "outside quotes: programs read it in two ways"
READINGS = ("the quotes can be read in several ways", "no reading of the quotes", "a quoted field goes on over a line ending", COUNT)
# Of quotes that are not as RFC 4180 has them.
QUOTES = ("text after the closing quote of a field", "a quoted field starts here and is never closed",
          "a quote inside a field that does not start with one", COUNT)
OVERLAP = "the delimiter can be read in two places that overlap"
UTF16 = "the file is UTF-16 without a byte order mark"
ONLY = "the only record holds a character that some programs take for the end of a line"
CODE = "a backslash with a digit, x or u behind it"


def plain(rows):
    """Rows without what many systems do not keep: null or empty, blanks around, and how lines end."""
    return [[(value or "").replace("\r\n", "\n").replace("\r", "\n").strip(" ") for value in row] for row in rows]


class Tables:
    """Makes tables from a seed, and filters them."""

    def __init__(self, noo, work, files, seed):
        self.noo, self.work, self.files, self.random = noo, work, files, random.Random(seed)
        self.out = list({self.number() for _ in range(60)})
        self.others = [n for n in (self.number() for _ in range(300)) if n not in self.out]
        self.env = dict(os.environ, NOO_SNAPSHOT=work + "/optouts.noo", NOO_TRUSTED_KEYS=work + "/publisher.pub", NOO_STATE_DIR=work + "/state")
        if not os.path.exists(work + "/publisher.key"):
            self.run("key", "generate", "--name", "publisher", "--dir", work, "--no-password")
        with open(work + "/optouts.txt", "w") as f:
            f.write("\n".join(self.out) + "\n")
        self.run("snapshot", "build", work + "/optouts.txt", "-o", work + f"/optouts.noo", "--key", work + "/publisher.key", "--publisher", "test",
                 "--force")

    def run(self, *words):
        subprocess.run([self.noo, *words], check=True, capture_output=True, env=self.env)

    def number(self):
        """A number of the range that is never issued."""
        while True:
            nine = "9" + "".join(self.random.choice("9876543210") for _ in range(8))
            check = -sum(int(d) * w for d, w in zip(nine, range(10, 1, -1))) % 11
            if check < 10 and len(set(nine)) > 1:
                return nine + str(check)

    def text(self, forbidden):
        """A text, or None for none."""
        if self.random.random() < 0.1:
            return None
        value = "".join(self.random.choice(PARTS) for _ in range(self.random.randrange(6)))
        for part in forbidden:
            while part in value:
                value = value.replace(part, "")
        return value

    def dressed(self, number):
        """A number as people write it."""
        grouped = [number[:3], number[3:6], number[6:]]
        return self.random.choice([number] * 8 + [" ".join(grouped), "-".join(grouped), " " + number, number + " "])

    def table(self, forbidden):
        """Rows of COLUMNS, and the ids of those that must go. Every number is somebody's, missing, or invalid and kept."""
        rows, gone = [], set()
        for i in range(1 + self.random.randrange(60 if self.random.random() < 0.1 else 12)):
            row = [str(1 + i), None, self.text(forbidden), self.text(forbidden)]
            kind = self.random.random()
            if kind < 0.3:
                gone.add(row[0])
                number = self.random.choice(self.out)
                row[1] = self.dressed(number) if self.random.random() < 0.9 else f"{number[:3]}/{number[3:]} see note"
            elif kind < 0.85 or i == 0:
                row[1] = self.dressed(self.random.choice(self.others))
            else:
                row[1] = self.random.choice([None, "", "unknown", "12"])
            rows.append(row)
        return rows, gone

    def hold(self, name, write, read, flags, share=0.0, reasons=(), forbidden="", least=0.3, nulls=True, suffix=".csv"):
        """Compares what a system reads of its own files before and after noo. write gets tables and paths of files to
        make; read gets paths and returns rows of four texts, None for a file that it cannot read. Of all files that the
        system reads as it wrote them, at most share may be refused, for one of reasons. What a system cannot
        write at all in a text is forbidden, and nulls may be. At least so many files must be compared, as a share."""
        made = [self.table(forbidden) for _ in range(self.files)]
        for rows, _ in made if not nulls else []:
            rows[:] = [["" if value is None else value for value in row] for row in rows]
        folder = f"{self.work}/{name.replace(' ', '-').replace(',', '')}"
        for sub in ("in", "out"):
            os.makedirs(f"{folder}/{sub}")
        paths = [f"{folder}/in/{i}{suffix}" for i in range(len(made))]
        # In each tenth file, a row that is kept has somebody who opted out in its note.
        second = {i for i in range(9, len(made), 10)}
        for i in second:
            rows, gone = made[i]
            rows.append([str(len(rows) + 1), self.random.choice(self.others), self.random.choice(self.out), "x"])
        write([rows for rows, _ in made], paths)
        before = read(paths)
        alike = [b is not None and [row[:1] for row in b] == [row[:1] for row in rows] for b, (rows, _) in zip(before, made)]
        exact = [b is not None and plain(b) == plain(rows) for b, (rows, _) in zip(before, made)]
        jobs, compared, unread, refused = [], 0, 0, {}
        for i, ((rows, gone), path) in enumerate(zip(made, paths)):
            result = f"{folder}/out/{i}{suffix}"
            done = subprocess.run([self.noo, "filter", path, "-o", result, "--missing", "keep", "--invalid", "keep", "--force-column", "--quiet",
                                   *flags], env=self.env, capture_output=True, text=True)
            told = done.stderr.strip()
            if done.returncode == 4:
                if exact[i] and not any(reason in told for reason in reasons):
                    sys.exit(f"{name}: refused: {told}")
                if os.path.exists(result):
                    sys.exit(f"{name}: refused, and written: {path}")
                refused[i] = told
                continue
            if i in second and alike[i]:
                if done.returncode != 2 or "people who opted out are in column" not in told or os.path.exists(result):
                    sys.exit(f"{name}: somebody in another column: exit code {done.returncode}: {told}: {path}")
                continue
            if done.returncode == 2 and not alike[i]:
                continue  # columns are not where they should be
            if done.returncode != 0:
                sys.exit(f"{name}: exit code {done.returncode}: {told}: {path}")
            with open(result, "rb") as f:
                raw = f.read().replace(b"\0", b"")
            if any(number.encode() in raw for number in self.out):
                sys.exit(f"{name}: a leak: {path}")
            jobs.append((i, result))
        after = dict(zip((i for i, _ in jobs), read([path for _, path in jobs])))
        for i, (rows, gone) in enumerate(made):
            if not alike[i] or i not in after and not exact[i]:
                unread += 1  # the system does not read what it wrote
                refused.pop(i, None)
            elif i in after:
                want = [row for row in before[i] if row[0] not in gone]
                if (after[i] or []) != want:
                    sys.exit(f"{name}: other rows: {paths[i]}\nwant {want}\ngot  {after[i]}")
                compared += 1
        print(f"{name}: {compared} files compared, {len(refused)} refused, {unread} that the system does not read as it wrote them", flush=True)
        if compared < least * self.files:
            sys.exit(f"{name}: too few files to mean anything: {list(refused.values())[:3]}")
        if len(refused) > share * self.files:
            sys.exit(f"{name}: refused too often: {list(refused.values())[:5]}")


def main(check):
    """Runs a check on tables made as the command line says: NOO WORK [FILES [SEED]]."""
    noo, work = sys.argv[1], sys.argv[2]
    check(Tables(noo, work, int(sys.argv[3]) if len(sys.argv) > 3 else 60, int(sys.argv[4]) if len(sys.argv) > 4 else 1))
