package profile

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"regexp"
	"sort"
	"strconv"
	"strings"
	"testing"
)

// This shrinks a document in the slow and obvious way, to compare with.

type (
	object []member
	member struct {
		name  string
		value any
	}
)

// last is the value of the last member of that name, nil if v has none.
func last(v *any, name string) *any {
	if v == nil {
		return nil
	}
	o, _ := (*v).(object)
	for i := len(o) - 1; i >= 0; i-- {
		if o[i].name == name {
			return &o[i].value
		}
	}
	return nil
}

// decode keeps the order of members, their doubles and the spelling of numbers.
func decode(t *testing.T, dec *json.Decoder) any {
	t.Helper()
	token, err := dec.Token()
	if err != nil {
		t.Fatal(err)
	}
	switch token {
	case json.Delim('{'):
		all := object{}
		for dec.More() {
			name, err := dec.Token()
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, member{name.(string), decode(t, dec)})
		}
		_, _ = dec.Token()
		return all
	case json.Delim('['):
		all := []any{}
		for dec.More() {
			all = append(all, decode(t, dec))
		}
		_, _ = dec.Token()
		return all
	}
	return token
}

func decoded(t *testing.T, doc []byte) any {
	t.Helper()
	dec := json.NewDecoder(bytes.NewReader(doc))
	dec.UseNumber()
	return decode(t, dec)
}

func slowShrink(root *any) (flags MetaFlags) {
	if f := last(last(last(root, "xhprof"), "profiling"), "top_functions"); f != nil {
		switch all := (*f).(type) {
		case []any:
			*f, flags.Truncated = all[:min(50, len(all))], len(all) > 50
		case object:
			*f, flags.Truncated = all[:min(50, len(all))], len(all) > 50
		}
	}
	if q := last(last(root, "sql"), "queries"); q != nil {
		if all := elements(*q); len(all) > 100 {
			sort.SliceStable(all, func(i, j int) bool { return slowTime(all[i]) > slowTime(all[j]) })
			*q, flags.SQLTruncated = all[:100], true
		}
	}
	return flags
}

func elements(v any) (all []any) {
	switch v := v.(type) {
	case []any:
		return v
	case object:
		for _, m := range v {
			all = append(all, m.value)
		}
	}
	return all
}

var isNumeric = regexp.MustCompile(`^[ \t\n\r\v\f]*([+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)[ \t\n\r\v\f]*$`)

func slowTime(query any) float64 {
	value := last(&query, "time_ms")
	if value == nil {
		return 0
	}
	text := fmt.Sprint(*value)
	if _, isList := (*value).([]any); isList || !isNumeric.MatchString(text) {
		return 0
	}
	f, _ := strconv.ParseFloat(isNumeric.FindStringSubmatch(text)[1], 64)
	return f
}

// wantSlow holds got and flags, what became of doc with a number as "_meta", against the slow way.
func wantSlow(t *testing.T, doc []byte, got string, flags MetaFlags) {
	t.Helper()
	want := decoded(t, doc)
	wantFlags := slowShrink(&want)
	have := decoded(t, []byte(got))
	meta := *last(&have, "_meta")
	if old := last(&want, "_meta"); old != nil {
		*old = meta
	} else {
		want = append(want.(object), member{"_meta", meta})
	}
	if flags != wantFlags || !reflect.DeepEqual(have, want) {
		t.Errorf("%.2000q\ngot  %v %.2000s\nwant %v %.2000v", doc, flags, got, wantFlags, want)
	}
}

// expand repeats what stands between two @, as often as n says, so that a short text is a long list. See times.
func expand(text string, n int) string {
	parts := strings.Split(text, "@")
	for i := 1; i < len(parts); i += 2 {
		parts[i] = times(n, parts[i])
	}
	return strings.Join(parts, "")
}

func FuzzCut(f *testing.F) {
	f.Fuzz(func(t *testing.T, text string, n byte) {
		if len(text) > 300 { // too short for a number over maxNumber
			return
		}
		doc := []byte(expand(text, int(n)))
		if o, err := OutlineTrusted(doc); err == nil { // whatever it is, nothing may panic
			if c, err := PlanShrink(doc, o.object.from, never); err == nil {
				c.Pieces(doc, o, nil)
			}
		}
		if _, err := Check(doc, never); err == nil {
			got, m := shrinkWith(t, string(doc), "7")
			wantSlow(t, doc, got, m)
		}
	})
}
