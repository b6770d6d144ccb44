package profile

import (
	"fmt"
	"unicode/utf8"
)

// Check reads all of doc and asks from time to time whether the limit has passed.
//
//	doc is                                            result
//	one JSON object in UTF-8, white space around it   its outline
//	not UTF-8, whatever else                          ErrUTF8
//	not JSON by RFC 8259: incomplete, a byte more, …   ErrSyntax
//	an array, a string, a number or a literal         ErrNotObject
//	nested deeper than MaxDepth                       ErrDepth
//	anything, and the limit passes before its end      ErrTimeUp
//
// As in RFC 8259, an escape may be half of a surrogate pair, and a name may occur twice.
func Check(doc []byte, until Limit) (Outline, error) { return CheckAndPlan(doc, until, nil) }

// CheckAndPlan also fills plan, unless it is nil: one pass takes less time than two.
func CheckAndPlan(doc []byte, until Limit, plan *ShrinkPlan) (Outline, error) {
	if err := checkUTF8(doc, until); err != nil {
		return Outline{}, err
	}
	v := visitor{scanner: newScanner(doc, until), ShrinkPlan: plan}
	v.document()
	return v.outline, v.err
}

// document reads the document from its first byte to its last.
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

// checkUTF8 is a pass of its own, before the grammar: on ASCII it takes a tenth of the grammar's time.
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

// runeStart returns the last position up to i at which a character begins.
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
