package buffer

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"time"
)

// The forms of names: d stands for a decimal digit, x for a lower-case hexadecimal digit, a for a digit or ASCII letter.
const (
	profileForm = "profile_dddddddd_dddddd_xxxxxxxx.json"
	tempForm    = ".transmit-xxxxxxxxxxxxxxxx.tmp"
	phpTempForm = ".transmit-aaaaaa" // of tempnam() in plain PHP

	badPrefix = "bad_" // before a profile's name: a file that Replay found malformed
)

func profileName(at time.Time, digits uint32) string {
	return fmt.Sprintf("profile_%s_%08x.json", at.UTC().Format("20060102_150405"), digits)
}

func newTempName() string {
	return fmt.Sprintf(".transmit-%016x.tmp", rand.Uint64())
}

func hasForm(name []byte, form string) bool {
	if len(name) != len(form) {
		return false
	}
	for i := range len(form) {
		if !fits(name[i], form[i]) {
			return false
		}
	}
	return true
}

func fits(char, form byte) bool {
	digit := '0' <= char && char <= '9'
	switch form {
	case 'd':
		return digit
	case 'x':
		return digit || 'a' <= char && char <= 'f'
	case 'a':
		return digit || 'a' <= char|0x20 && char|0x20 <= 'z'
	default:
		return char == form
	}
}

func isBad(name []byte) bool {
	rest, found := bytes.CutPrefix(name, []byte(badPrefix))
	return found && hasForm(rest, profileForm)
}
