#!/bin/sh
# Fills a HAPI FHIR server with Consents, downloads them with noo, builds snapshots and compares them
# with what was put in: see cmd/noo/hapi_test.go. The server is put together from Maven Central, once,
# under bench/ (ignored by git). It needs Java 17 and Maven, and installs them on Debian as root.
set -eu
cd "$(dirname "$0")/../../.."
here=fhir/testdata/hapi
if ! { command -v mvn && command -v javac; } > /dev/null; then
	apt-get update > /dev/null && apt-get install -y maven openjdk-17-jdk-headless > /dev/null
fi
made=bench/hapi
if ! cat $here/pom.xml $here/src/main/java/noo/ConsentServer.java | cmp -s - $made/made-from; then
	rm -rf $made
	mkdir -p $made
	mvn -q -B -f $here/pom.xml -Dmaven.repo.local="${MAVEN_REPOSITORY:-$HOME/.m2/repository}" \
		-DbuildDirectory="$PWD/$made" compile dependency:copy-dependencies \
		-DoutputDirectory="$PWD/$made/lib" -DincludeScope=runtime
	cat $here/pom.xml $here/src/main/java/noo/ConsentServer.java > $made/made-from
fi
HAPI_SERVER="$PWD/$made" go test -count=1 -run '^TestHAPI$' ./cmd/noo
