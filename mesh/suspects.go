package mesh

// Numbers that are valid, but that the service may not take. One such number makes it refuse the
// whole list, without a word about which.

import (
	"noo/internal/nhsnumber"
	"noo/snapshot"
)

// Suspect reports whether the service may refuse the number with this key: it is neither of the
// ranges of England, Wales and the Isle of Man (NHS Data Dictionary, "NHS NUMBER") nor a CHI number
// of Scotland, which starts with a date of birth.
func Suspect(key nhsnumber.Key) bool {
	switch key / 100_000_000 {
	case 4, 6, 7:
		return false
	}
	day, month := key/10_000_000, key/100_000%100
	return day < 1 || day > 31 || month < 1 || month > 12
}

// Ranges is a register for datasets whose numbers are to be asked about. It knows of nobody whether
// they have opted out. A number that the service may refuse is Unchecked in it, every other Clear.
type Ranges struct{}

// LookUp implements filter.Register.
func (Ranges) LookUp(keys []nhsnumber.Key, standings []snapshot.Standing) {
	for i, key := range keys {
		standings[i] = snapshot.Clear
		if Suspect(key) {
			standings[i] = snapshot.Unchecked
		}
	}
}

// PerFirstDigit implements filter.Register.
func (Ranges) PerFirstDigit() (people [10]uint64) { return people }
