#!/bin/sh
# Tests noo_filter.spark on a standalone cluster of Spark on this machine, and on Spark Connect: see
# python/tests/spark/conftest.py, which starts the cluster and stops it. Spark and the jars of tables
# are installed once, under bench/ (ignored by git). It needs Java 17 and Maven, and installs them on
# Debian as root. Arguments go to pytest.
set -eu
cd "$(dirname "$0")/../../.."
here=python/tests/spark
if ! { command -v mvn && command -v java; } > /dev/null; then
	apt-get update > /dev/null && apt-get install -y maven openjdk-17-jre-headless > /dev/null
fi
testdata/venv.sh bench/python-spark-venv python/requirements/spark.txt
jars=bench/spark-jars
if ! cmp -s $here/tables.pom.xml $jars/made-from; then
	rm -rf $jars
	mvn -q -B -f $here/tables.pom.xml -Dmaven.repo.local="${MAVEN_REPOSITORY:-$HOME/.m2/repository}" \
		dependency:copy-dependencies -DoutputDirectory="$PWD/$jars" -DincludeScope=runtime \
		-DincludeGroupIds=io.delta,org.apache.iceberg,io.unitycatalog
	cp $here/tables.pom.xml $jars/made-from
fi
CGO_ENABLED=0 go build -o bench/spark-noo ./cmd/noo
export NOO_PROGRAM="$PWD/bench/spark-noo" NOO_SPARK_JARS="$PWD/$jars" PYTHONPATH="$PWD/python/src"
run="bench/python-spark-venv/bin/python -m pytest -q -p no:cacheprovider --confcutdir=$here"
NOO_SPARK_MODE=classic $run $here "$@"
# What a client sees is the same on Spark Connect.
NOO_SPARK_MODE=connect $run $here/test_filter.py $here/test_docs.py "$@"
