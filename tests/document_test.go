package tests

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// A profile is one datagram: the document itself, with its own spelling.
func TestSend_IsOneDatagramOfTheDocument(t *testing.T) {
	s := newScene(t)
	l := listen(t, s.socket)
	d := startDriver(t, s)
	document := []byte(`{"b": 1.50e0, "a":"\u00e9\/", "b2":[ ]}`)
	if a := d.send(document); a.result != sent || a.text != "" {
		t.Fatalf("%+v", a)
	}
	got := parse(t, l.await(1)[0], false)
	if got.rest != string(document) {
		t.Errorf("the datagram without _meta is %q, want %q", got.rest, document)
	}
}

// A document is shrunk from the first byte over the limit on, to 50 functions and 100 queries.
func TestLimits_C(t *testing.T) {
	const added = len(`,"_meta":{"timestamp":1700000000.123456,"transmitter_version":"1.0","id":"0123456789abcdef"}`)
	fill := func(members string, size int) []byte {
		return fmt.Appendf(nil, `{"id":"1",%s"pad":"%s"}`, members, strings.Repeat("x", size-len(members)-len(`{"id":"1","pad":""}`)))
	}
	list := func(n int, item string) string {
		return "[" + strings.TrimSuffix(strings.Repeat(item+",", n), ",") + "]"
	}
	functions := func(n int) string { return `"xhprof":{"profiling":{"top_functions":` + list(n, `{"fn":"f"}`) + `}},` }
	queries := func(n int) string { return `"sql":{"queries":` + list(n, `{"sql":"q"}`) + `},` }
	for _, c := range []struct {
		name    string
		members string
		size    int // with _meta
		want    int
		marks   []string
	}{
		{"a byte below the limit", functions(51) + queries(101), limit - 1, sent, nil},
		{"at the limit", functions(51) + queries(101), limit, sent, nil},
		{"a byte over, nothing to cut", "", limit + 1, buffered, nil},
		{"50 and 100 are kept", functions(50) + queries(100), limit + 1, buffered, nil},
		{"51 functions", functions(51), limit + 1, buffered, []string{"truncated"}},
		{"80 functions", functions(80), limit + 1, sent, []string{"truncated"}},
		{"101 queries", queries(101), limit + 1, buffered, []string{"sql_truncated"}},
		{"130 queries", queries(130), limit + 1, sent, []string{"sql_truncated"}},
		{"both", functions(80) + queries(130), limit + 1, sent, []string{"sql_truncated", "truncated"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newScene(t)
			l := listen(t, s.socket)
			d := startDriver(t, s)
			if a := d.send(fill(c.members, c.size-added)); !a.is(c.want) {
				t.Errorf("%+v, want result %d", a, c.want)
			}
			if c.want == sent {
				l.await(1)
			}
			d.settle()
			a := arrivals(t, s, l)["1"]
			if !slices.Equal(a.marks, c.marks) {
				t.Errorf("marks %v, want %v", a.marks, c.marks)
			}
		})
	}
}
