package fhir

// The meaning of one Consent. Sources: the profile NDOP-Consent-1 (nhsconnect/FHIR-NOO-API) for
// STU3, hl7.org/fhir/STU3/consent.html and hl7.org/fhir/R4/consent.html for the elements.
//
// All elements that restrict to whom, when or to what a Consent applies are refused: the national
// data opt-out knows no such thing. So is permission. R4 says that an active Consent with provision
// type permit gives consent, which would turn "active" around; and its provision may not have a
// type in the outermost rule, so a reader cannot know what the writer meant.

import (
	"bytes"
	"strings"

	"noo/fhir/internal/jsontext"
	"noo/internal/nhsnumber"
)

// nhsNumberSystem is the system of identifiers that are NHS numbers.
const nhsNumberSystem = "https://fhir.nhs.uk/Id/nhs-number"

// optOutCode is "Limiting access to confidential patient information" in SNOMED CT.
const optOutCode = "370856009"

// isSNOMED reports whether a system is SNOMED CT. The examples of the FHIR API use https as well.
func isSNOMED(system []byte) bool {
	return string(system) == "http://snomed.info/sct" || string(system) == "https://snomed.info/sct"
}

// The elements of objects that are read. Each other element has a number of its own as
// well: none may come twice.
const (
	elResourceType = iota
	elMeta
	elImplicitRules
	elModifierExtension
	elStatus
	elCategory
	elScope
	elPatient
	elDateTime
	elPolicyRule
	elPurpose
	elProvision
)

const (
	elLimits = 16 // and above: elements that restrict
	elOthers = 32 // and above: elements without meaning here
)

// elements returns the names that an object may have: known ones, and others that are skipped,
// which have a blank between them.
func elements(foreign error, known map[string]uint8, skipped string) jsontext.Names {
	return jsontext.Names{Numbers: numbered(known, elOthers, skipped), Foreign: foreign}
}

// numbered adds names, and gives them numbers from first.
func numbered(known map[string]uint8, first uint8, more string) map[string]uint8 {
	for i, name := range strings.Fields(more) {
		known[name] = first + uint8(i)
	}
	return known
}

var consentElements = elements(ErrUnknown, numbered(map[string]uint8{
	"resourceType": elResourceType, "meta": elMeta, "implicitRules": elImplicitRules,
	"modifierExtension": elModifierExtension, "status": elStatus, "category": elCategory,
	"scope": elScope, "patient": elPatient, "dateTime": elDateTime, "policyRule": elPolicyRule,
	"purpose": elPurpose, "provision": elProvision,
}, elLimits, "except period actor action securityLabel dataPeriod data"),
	"id language text contained extension identifier consentingParty organization "+
		"sourceAttachment sourceIdentifier sourceReference policy performer verification")

const (
	elType = iota
	elCoding
	elSystem
	elCode
	elReference
	elIdentifier
	elValue
	elLastUpdated
	elTag
)

var (
	metaElements = elements(ErrUnknown, map[string]uint8{
		"lastUpdated": elLastUpdated, "tag": elTag,
	}, "id extension versionId source profile security")
	codingElements = elements(ErrUnknown, map[string]uint8{
		"system": elSystem, "code": elCode,
	}, "id extension version display userSelected")
	conceptElements = elements(ErrUnknown, map[string]uint8{
		"coding": elCoding,
	}, "id extension text")
	referenceElements = elements(ErrUnknown, map[string]uint8{
		"reference": elReference, "type": elType, "identifier": elIdentifier,
	}, "id extension display")
	identifierElements = elements(ErrUnknown, map[string]uint8{
		"system": elSystem, "value": elValue,
	}, "id extension use type period assigner")
	provisionElements = elements(ErrUnknown, numbered(map[string]uint8{
		"type": elType, "purpose": elPurpose, "modifierExtension": elModifierExtension,
	}, elLimits, "period actor action securityLabel class code dataPeriod data provision"),
		"id extension")
)

// consent is what was read of one Consent.
type consent struct {
	status            string
	key               nhsnumber.Key
	time, updated     span
	timed, isUpdated  bool
	stu3, r4, purpose bool // purpose: that of the national data opt-out was found
}

// consent reads a Consent. It returns false if the Consent cannot be used; found says why.
func (d *decoder) consent(now int64) (choice, bool) {
	var c consent
	d.Refused = nil
	d.Object(consentElements, func(name uint8) { d.consentElement(&c, name) })
	if d.Err != nil {
		return choice{}, false
	}
	d.judge(&c, now)
	if d.Refused != nil {
		return choice{}, false
	}
	return choice{c.key, c.rank()}, true
}

func (d *decoder) consentElement(c *consent, name uint8) {
	switch name {
	case elResourceType:
		d.Text()
	case elMeta:
		d.meta(c)
	case elImplicitRules, elModifierExtension:
		d.Refuse(ErrModified)
		d.Skip()
	case elStatus:
		switch status := d.Text(); string(status) {
		case "active":
			c.status = "active"
		case "inactive":
			c.status = "inactive"
		}
	case elCategory:
		d.Array(func() { c.purpose = d.concept(isOptOut) || c.purpose })
	case elScope:
		c.r4 = true
		c.purpose = d.concept(isOptOut) || c.purpose
	case elPatient:
		c.key = d.patient()
	case elDateTime:
		c.time, c.timed = parseDateTime(d.Text())
	case elPolicyRule:
		d.policyRule(c)
	case elPurpose:
		c.stu3 = true
		d.purposes(c)
	case elProvision:
		c.r4 = true
		d.provision(c)
	default:
		if name < elOthers {
			d.Refuse(ErrLimited)
		}
		d.Skip()
	}
}

// judge looks at what was read of a Consent as a whole.
func (d *decoder) judge(c *consent, now int64) {
	switch {
	case d.Refused != nil:
	case c.status == "":
		d.Refuse(ErrStatus)
	case c.stu3 && c.r4:
		d.Refuse(ErrVersions)
	case !c.purpose:
		d.Refuse(ErrPurpose)
	case c.key == 0:
		d.Refuse(ErrPatient)
	case !c.timed:
		d.Refuse(ErrDateTime)
	case c.time.first > now:
		d.Refuse(ErrFuture)
	}
}

// rank returns the place of a Consent among those of its patient. What is not certain is taken so
// that opted out wins: an opt-out was made as late as may be, a withdrawal as early as may be.
func (c *consent) rank() rank {
	const least, most = -1 << 62, 1<<62 - 1
	if c.status == "active" {
		if !c.isUpdated {
			c.updated.last = most
		}
		return rank{c.time.last, 2*c.updated.last | 1}
	}
	if !c.isUpdated {
		c.updated.first = least
	}
	return rank{c.time.first, 2 * c.updated.first}
}

// meta reads when the Consent was last updated, and whether it is whole.
func (d *decoder) meta(c *consent) {
	d.Object(metaElements, func(name uint8) {
		switch name {
		case elLastUpdated:
			if c.updated, c.isUpdated = parseInstant(d.Text()); !c.isUpdated {
				d.Refuse(ErrDateTime)
			}
		case elTag:
			d.Array(func() {
				if d.coding(func(_, code []byte) bool { return string(code) == "SUBSETTED" }) {
					d.Refuse(ErrSubset)
				}
			})
		default:
			d.Skip()
		}
	})
}

func isOptOut(system, code []byte) bool { return isSNOMED(system) && string(code) == optOutCode }

// coding reads a Coding, and reports whether it is one of those meant.
func (d *decoder) coding(meant func(system, code []byte) bool) bool {
	var system, code []byte
	d.Object(codingElements, func(name uint8) {
		switch name {
		case elSystem:
			system = d.Text()
		case elCode:
			code = d.Text()
		default:
			d.Skip()
		}
	})
	return meant(system, code)
}

// concept reads a CodeableConcept, and reports whether it has a Coding that is meant.
func (d *decoder) concept(meant func(system, code []byte) bool) (found bool) {
	d.Object(conceptElements, func(name uint8) {
		if name != elCoding {
			d.Skip()
			return
		}
		d.Array(func() { found = d.coding(meant) || found })
	})
	return found
}

// purposes reads a list of purposes, each of which must be the national data opt-out.
func (d *decoder) purposes(c *consent) {
	d.Array(func() {
		if d.coding(isOptOut) {
			c.purpose = true
		} else {
			d.Refuse(ErrPurpose)
		}
	})
}

// policyRule reads the policy: in STU3 its address, in R4 a concept. A policy of opting in, or of
// opting out with exceptions, is another one (HL7 v3 ActConsentDirective).
func (d *decoder) policyRule(c *consent) {
	if d.Peek() == '"' {
		d.Skip()
		return
	}
	c.r4 = true
	if d.concept(func(_, code []byte) bool {
		return bytes.HasPrefix(code, []byte("OPTIN")) || string(code) == "OPTOUTE"
	}) {
		d.Refuse(ErrPermit)
	}
}

// provision reads R4's rule: nothing, or deny, for the national data opt-out as a whole.
func (d *decoder) provision(c *consent) {
	d.Object(provisionElements, func(name uint8) {
		switch name {
		case elType:
			if string(d.Text()) != "deny" {
				d.Refuse(ErrPermit)
			}
		case elPurpose:
			d.purposes(c)
		case elModifierExtension:
			d.Refuse(ErrModified)
			d.Skip()
		default:
			if name < elOthers {
				d.Refuse(ErrLimited)
			}
			d.Skip()
		}
	})
}

// patient reads whom the Consent is of: the NHS number in a reference, in an identifier, or the
// same in both. It returns 0 if there is none.
func (d *decoder) patient() nhsnumber.Key {
	var referred, identified nhsnumber.Key
	d.Object(referenceElements, func(name uint8) {
		switch name {
		case elReference:
			referred = numberIn(d.Text())
		case elType:
			if kind := d.Text(); string(kind) != "Patient" {
				d.Refuse(ErrPatient)
			}
		case elIdentifier:
			identified = d.identifier()
		default:
			d.Skip()
		}
	})
	if referred != 0 && identified != 0 && referred != identified {
		d.Refuse(ErrPatients)
	}
	return max(referred, identified)
}

// numberIn returns the NHS number in which a reference to a Patient ends, or 0. A version may
// follow it.
func numberIn(reference []byte) nhsnumber.Key {
	reference, _, _ = bytes.Cut(reference, []byte("/_history/"))
	const kind = "Patient/"
	at := len(reference) - 10
	if at < len(kind) || string(reference[at-len(kind):at]) != kind ||
		at > len(kind) && reference[at-len(kind)-1] != '/' {
		return 0
	}
	return keyOf(nhsnumber.ParseTen(reference[at:]))
}

// identifier reads an identifier, and returns its NHS number, or 0 if it is of another kind.
func (d *decoder) identifier() nhsnumber.Key {
	var system, value []byte
	d.Object(identifierElements, func(name uint8) {
		switch name {
		case elSystem:
			system = d.Text()
		case elValue:
			value = d.Text()
		default:
			d.Skip()
		}
	})
	if string(system) != nhsNumberSystem {
		return 0
	}
	key := keyOf(nhsnumber.Parse(value))
	if key == 0 {
		d.Refuse(ErrPatient)
	}
	return key
}

// keyOf returns the key of a valid number. No valid number has key 0: it is a placeholder.
func keyOf(key nhsnumber.Key, status nhsnumber.Status) nhsnumber.Key {
	if status != nhsnumber.Valid {
		return 0
	}
	return key
}
