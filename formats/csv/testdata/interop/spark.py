"""Spark's own CSV writer and reader, and Hive's text tables written by Spark.

All files of a check are written, and read, by one job each: a partition is a file.

Usage: spark.py NOO WORK [FILES [SEED]]
"""

import collections
import glob
import os
import shutil
import tempfile

from pyspark.sql import SparkSession

import table

SCHEMA = ", ".join(c + " string" for c in table.COLUMNS)


def session(work):
    os.environ["SPARK_LOCAL_IP"] = "127.0.0.1" # It listens on no other address.
    return (SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false").config("spark.ui.showConsoleProgress", "false").config("spark.driver.host", "127.0.0.1")
            .config("spark.driver.bindAddress", "127.0.0.1").config("spark.local.dir", work).config("spark.sql.shuffle.partitions", "1")
            .config("spark.sql.warehouse.dir", work + "/warehouse")
            .config("spark.hadoop.javax.jdo.option.ConnectionURL", f"jdbc:derby:;databaseName={work}/metastore;create=true")
            .config("spark.driver.extraJavaOptions", f"-Dderby.system.home={work}").config("spark.log.level", "ERROR")
            .enableHiveSupport().getOrCreate())


def frame(spark, tables):
    """A frame with one partition for each table."""
    rows = spark.sparkContext.parallelize([[tuple(row) for row in rows] for rows in tables], len(tables)).flatMap(lambda rows: rows)
    return spark.createDataFrame(rows, SCHEMA)


def parts(folder):
    return sorted(glob.glob(folder + "/part-*"))


def writer(spark, options):
    def write(tables, paths):
        folder = tempfile.mkdtemp()
        frame(spark, tables).write.mode("overwrite").options(**options).csv(folder)
        for part, path in zip(parts(folder), paths):
            shutil.move(part, path)
        shutil.rmtree(folder)

    return write


def reader(spark, options):
    def read(paths):
        found = collections.defaultdict(list)
        if paths:
            rows = (spark.read.schema(SCHEMA).options(**options, mode="PERMISSIVE").csv(paths)
                    .selectExpr("*", "_metadata.file_path as path", "monotonically_increasing_id() as place").orderBy("place").collect())
            for *row, path, _ in rows:
                found[os.path.basename(path)].append(row)
        return [found[os.path.basename(path)] for path in paths]

    return read


def hive(spark, tables, flags, name, row_format, forbidden):
    """Hive writes into a table's folder, and reads what noo left."""
    def write(made, paths):
        spark.sql(f"CREATE TABLE t ({SCHEMA}) {row_format} STORED AS TEXTFILE")
        frame(spark, made).createOrReplaceTempView("made")
        spark.sql("INSERT OVERWRITE TABLE t SELECT * FROM made")
        for part, path in zip(parts(folder()), paths):
            shutil.copy(part, path)

    def folder():
        return spark.sql("DESCRIBE FORMATTED t").where("col_name = 'Location'").collect()[0][1].removeprefix("file:")

    def read(paths):
        found = collections.defaultdict(list)
        for part in parts(folder()):
            os.remove(part)
        for path in paths:
            shutil.copy(path, folder() + "/part-" + os.path.basename(path))
        spark.catalog.refreshTable("t")
        for *row, path in spark.sql("SELECT *, input_file_name() FROM t").collect():
            found[os.path.basename(path)].append(row)
        return [found["part-" + os.path.basename(path)] for path in paths]

    tables.hold(name, write, read, flags, 0.1, (table.ONLY,), forbidden)
    spark.sql("DROP TABLE t")


BY_NUMBER = ["--no-header", "--column", "2"]


def check(tables):
    spark = session(tables.work + "/spark")
    # Without lineSep, Spark takes the first line ending that it meets, in a text or not, for that of all records.
    header, lines = {"header": True}, {"multiLine": True, "lineSep": "\n"}
    for name, writing, reading, flags, share, reasons in [
        ("Spark", header, lines, ["--dialect", "spark"], 0, ()),
        ("Spark, no header", {}, lines, ["--dialect", "spark", *BY_NUMBER], 0.1, (table.ONLY,)),
        ("Spark, all quotes", {"quoteAll": True, **header}, lines, ["--dialect", "spark"], 0, ()),
        ("Spark, doubled quotes", {"escape": '"', **header}, lines, [], 0, ()),
        ("Spark, other characters", {"quote": "'", "sep": "|~|", "nullValue": "\\N", "emptyValue": "", **header}, lines,
         ["--dialect", "spark", "--quote", "single", "--delimiter", "|~|"], 0, ()),
        ("Spark, UTF-16", {"encoding": "UTF-16", "sep": "\t", **header}, lines, ["--dialect", "spark", "--delimiter", "tab"], 0, ()),
        ("Spark, UTF-16 without a mark", {"encoding": "UTF-16LE", **header}, lines, ["--dialect", "spark"], 1, (table.UTF16,)),
        ("Spark, compressed", {"compression": "gzip", **header}, lines, ["--dialect", "spark"], 0, ()),
    ]:
        reading = {**reading, **{k: v for k, v in writing.items() if k not in ("quoteAll", "emptyValue", "compression")}}
        tables.hold(name, writer(spark, writing), reader(spark, reading), flags, share, reasons, least=0 if share == 1 else 0.3,
                    suffix=".csv.gz" if "compression" in writing else ".csv")
    hive(spark, tables, ["--dialect", "hive", *BY_NUMBER], "Hive", "ROW FORMAT DELIMITED", "\r\n\x01")
    hive(spark, tables, ["--dialect", "hive", "--delimiter", "comma", "--escape", "backslash", *BY_NUMBER], "Hive, escaped",
         "ROW FORMAT DELIMITED FIELDS TERMINATED BY ',' ESCAPED BY '\\\\'", "\r\n")


if __name__ == "__main__":
    table.main(check)
