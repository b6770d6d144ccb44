package profile

import (
	"bytes"
	"slices"
)

// maxPieces counts the text between three edits, "_meta" and its value, and a list with commas and brackets. It is
// below IOV_MAX (1024).
const maxPieces = 4 + 2 + 2*maxQueries + 1

const whiteSpace = " \t\n\r"

// Outline is what is known of a document without decoding it.
type Outline struct {
	object span // from '{' to after '}', without the white space around it
	empty  bool // it has no members
	meta   span // the value of the last member "_meta", zero if there is none
}

// OutlineTrusted returns the outline of a document that the caller has checked. It reads the two ends only.
func OutlineTrusted(doc []byte) (Outline, error) {
	from := len(doc) - len(bytes.TrimLeft(doc, whiteSpace))
	text := bytes.TrimRight(doc[from:], whiteSpace)
	if !bytes.HasPrefix(text, []byte("{")) || !bytes.HasSuffix(text, []byte("}")) {
		return Outline{}, ErrNotObject
	}
	inside := bytes.TrimLeft(text[1:len(text)-1], whiteSpace)
	return Outline{object: span{from, from + len(text)}, empty: len(inside) == 0}, nil
}

// Start is where its opening brace is.
func (o Outline) Start() int { return o.object.from }

// metaPlace returns the part of the document that the value of "_meta" replaces, and the text to write before it.
func (o Outline) metaPlace() (place span, before string) {
	last := o.object.to - 1
	switch {
	case o.meta.to > 0:
		return o.meta, ""
	case o.empty:
		return span{last, last}, `"_meta":`
	}
	return span{last, last}, `,"_meta":`
}

// Around returns what to send before and after the value of "_meta" if nothing is removed: head, before, the value,
// tail.
func (o Outline) Around(doc []byte) (head []byte, before string, tail []byte) {
	place, before := o.metaPlace()
	return doc[o.object.from:place.from], before, doc[place.to:o.object.to]
}

// edit replaces a part of a document by text.
type edit struct {
	place span
	text  [][]byte
}

// Pieces returns the document with meta as the value of "_meta" and without what the plan removes: at most maxPieces
// slices of doc and of meta, to be sent one after the other or joined by slices.Concat.
func (p *ShrinkPlan) Pieces(doc []byte, o Outline, meta []byte) [][]byte {
	place, before := o.metaPlace()
	edits := []edit{{place, [][]byte{[]byte(before), meta}}, {p.functions, nil}, {p.queries, p.list(doc)}}
	slices.SortFunc(edits, func(a, b edit) int { return a.place.from - b.place.from })
	var all [][]byte
	from := o.object.from
	for _, e := range edits {
		if e.place.to == 0 {
			continue // nothing is removed here
		}
		all = append(append(all, doc[from:e.place.from]), e.text...)
		from = e.place.to
	}
	return append(all, doc[from:o.object.to])
}

// list returns the slowest queries as a JSON list.
func (p *ShrinkPlan) list(doc []byte) [][]byte {
	var all [][]byte
	between := []byte{'['}
	for _, q := range p.slowest {
		all = append(all, between, q.text.of(doc))
		between = []byte{','}
	}
	return append(all, []byte{']'})
}
