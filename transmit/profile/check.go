package profile

import (
	"fmt"
	"unicode/utf8"
)

// Check reads all of doc and asks every now and then whether time is up.
//
//	doc is                                            result
//	one JSON object in UTF-8, white space around it   its outline
//	not UTF-8, whatever else                          ErrUTF8
//	not RFC 8259's JSON: cut off, a byte too many, …  ErrSyntax
//	an array, a string, a number or a literal         ErrNotObject
//	nested deeper than MaxDepth                       ErrDepth
//	anything, and time is up before its end            ErrTimeUp
//
// As RFC 8259 has it, an escape may spell half a surrogate pair, and a name may occur twice.
func Check(doc []byte, until Limit) (Outline, error) { return CheckAndCut(doc, until, nil) }

// CheckAndCut also finds what to cut from doc, unless found is nil: one pass takes less time than one for each.
func CheckAndCut(doc []byte, until Limit, found *Cuts) (Outline, error) {
	if err := checkUTF8(doc, until); err != nil {
		return Outline{}, err
	}
	v := visitor{scanner: newScanner(doc, until), Cuts: found}
	v.document()
	return v.outline, v.err
}

// document passes a document from its first byte to its last.
func (v *visitor) document() {
	from, c := v.space(0)
	v.outline.empty = true
	isObject := c == '{'
	var to int
	if isObject {
		to = v.object(from, v.top)
	} else {
		to = v.value(from)
	}
	v.outline.object = span{from, to}
	if end, _ := v.space(to); end != len(v.doc) {
		v.fail(ErrSyntax, end)
	}
	if !isObject {
		v.fail(ErrNotObject, from)
	}
}

// checkUTF8 goes before the grammar rather than along with it: on ASCII it takes a tenth of the grammar's time.
func checkUTF8(doc []byte, until Limit) error {
	for from, to := 0, 0; ; from = to {
		to = runeStart(doc, from+chunk)
		if !utf8.Valid(doc[from:to]) {
			return fmt.Errorf("%w at byte %d", ErrUTF8, from+validPrefix(doc[from:to]))
		}
		if to == len(doc) {
			return nil
		}
		if until.IsUp(to) {
			return ErrTimeUp
		}
	}
}

// runeStart returns the nearest position up to i where doc can be divided without harm to a character.
func runeStart(doc []byte, i int) int {
	if i >= len(doc) {
		return len(doc)
	}
	for back := range utf8.UTFMax {
		if utf8.RuneStart(doc[i-back]) {
			return i - back
		}
	}
	return i
}

func validPrefix(text []byte) int {
	i := 0
	for {
		r, size := utf8.DecodeRune(text[i:])
		if r == utf8.RuneError && size <= 1 {
			return i
		}
		i += size
	}
}
