#!/usr/bin/env python3
"""Writes made-up Consents of the profile NDOP-Consent-1 as NDJSON, for measuring: see docs/fhir.md.

Usage: consents.py COUNT [SEED]. All numbers are of the range that is never issued (9...).
"""
import random
import sys
import time

count = int(sys.argv[1])
draw = random.Random(int(sys.argv[2]) if len(sys.argv) > 2 else time.time_ns())

CONSENT = (
    '{"resourceType":"Consent","id":"%08x-0000","meta":{"versionId":"1","lastUpdated":"2020-0%d-01T10:00:00.123+00:00",'
    '"profile":["https://fhir.nhs.uk/STU3/StructureDefinition/NDOP-Consent-1"]},"extension":[{"url":'
    '"https://fhir.nhs.uk/STU3/StructureDefinition/Extension-NDOP-OptOutSource-1","valueCodeableConcept":{"coding":[{"system":'
    '"https://fhir.nhs.uk/STU3/CodeSystem/NDOP-OptOutSource-1","code":"OP","display":"Online Portal"}]}}],"status":"%s",'
    '"patient":{"reference":"https://demographics.spineservices.nhs.uk/STU3/Patient/%s"},"dateTime":"2019-0%d-14T11:15:33+00:00",'
    '"organization":[{"reference":"https://directory.spineservices.nhs.uk/STU3/Organization/X26"}],"policy":[{"authority":'
    '"https://www.gov.uk/","uri":"https://www.gov.uk/government/uploads/system/uploads/attachment_data/file/535024/'
    'data-security-review.PDF"}],"purpose":[{"system":"http://snomed.info/sct","code":"370856009",'
    '"display":"Limiting access to confidential patient information"}]}\n'
)


def numbers():
    """Yields valid numbers at random."""
    while True:
        nine = str(draw.randrange(900000000, 999999999))
        check = -sum(int(d) * w for d, w in zip(nine, range(10, 1, -1))) % 11
        if check != 10 and len(set(nine)) > 1:
            yield nine + str(check)


for i, number in zip(range(count), numbers()):
    month, status = draw.randrange(1, 10), draw.choice(["active", "inactive"])
    sys.stdout.write(CONSENT % (i, month, status, number, draw.randrange(1, 10)))
