package profile

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// times is text n times with commas between; each # in it is the number of the copy, from 0.
func times(n int, text string) string {
	var all []string
	for i := range n {
		all = append(all, strings.ReplaceAll(text, "#", strconv.Itoa(i)))
	}
	return strings.Join(all, ",")
}

func functions(value string) string {
	return `{"a" : 1.50, "xhprof":{"x":[],"profiling":{"top_functions":` + value + ` , "y":"\u00e9/\/"}} ,"z":{ }}`
}

func queries(value string) string {
	return `{"a" : 1.50, "sql":{"x":[],"queries": ` + value + ` , "y":"\u00e9/\/"} ,"z":{ }}`
}

// slowestOf is the list of queries with these times.
func slowestOf(format string, times ...int) string {
	var all []string
	for _, t := range times {
		all = append(all, fmt.Sprintf(format, t))
	}
	return "[" + strings.Join(all, ",") + "]"
}

func upTo(from, to, step int) (all []int) {
	for i := from; i != to; i += step {
		all = append(all, i)
	}
	return all
}

var cutTests = []struct {
	name, doc, want string
	flags           MetaFlags
}{
	{"nothing to cut", `{}`, `{}`, MetaFlags{}},
	{"49 functions", functions("[" + times(49, `{"f":#}`) + "]"), "", MetaFlags{}},
	{"50 functions", functions("[" + times(50, `{"f":#}`) + "]"), "", MetaFlags{}},
	{"51 functions", functions("[" + times(51, `{"f":#}`) + "]"), functions("[" + times(50, `{"f":#}`) + "]"), MetaFlags{Truncated: true}},
	{"52 functions, spaced", functions("[ " + times(52, ` {"f": #} `) + " ]"), functions("[ " + strings.TrimRight(times(50, ` {"f": #} `), " ") + "]"), MetaFlags{Truncated: true}},
	{"map of 50", functions("{" + times(50, `"f#":[1]`) + "}"), "", MetaFlags{}},
	{"map of 51", functions("{" + times(51, `"f#":[1]`) + "}"), functions("{" + times(50, `"f#":[1]`) + "}"), MetaFlags{Truncated: true}},
	{"functions of every type", functions("[" + times(20, `1,"a]",null`) + "]"), functions("[" + times(16, `1,"a]",null`) + `,1,"a]"]`), MetaFlags{Truncated: true}},
	{"functions that are a string", functions(`"` + times(60, "a") + `"`), "", MetaFlags{}},
	{"functions without a profiling", `{"xhprof":{"top_functions":[` + times(60, "1") + `]}}`, "", MetaFlags{}},
	{"functions at the top", `{"top_functions":[` + times(60, "1") + `],"profiling":{"top_functions":[` + times(60, "1") + `]}}`, "", MetaFlags{}},
	{"xhprof is a list", `{"xhprof":[{"profiling":{"top_functions":[` + times(60, "1") + `]}}]}`, "", MetaFlags{}},
	{"profiling is null", `{"xhprof":{"profiling":null}}`, "", MetaFlags{}},

	{"99 queries", queries("[" + times(99, `{"time_ms":#}`) + "]"), "", MetaFlags{}},
	{"100 queries", queries("[" + times(100, `{"time_ms":#}`) + "]"), "", MetaFlags{}},
	{"101 queries", queries("[" + times(101, `{"time_ms":#}`) + "]"), queries(slowestOf(`{"time_ms":%d}`, upTo(100, 0, -1)...)), MetaFlags{SQLTruncated: true}},
	{"slowest already first", queries("[" + times(101, `{"time_ms":-#}`) + "]"), queries("[" + times(100, `{"time_ms":-#}`) + "]"), MetaFlags{SQLTruncated: true}},
	{"bytes of a query", queries("[" + times(101, ` { "q" : "\u0041#" } `) + "]"), queries("[" + times(100, `{ "q" : "\u0041#" }`) + "]"), MetaFlags{SQLTruncated: true}},
	{"map of 101 becomes a list", queries("{" + times(101, `"q#":{"time_ms":#}`) + "}"), queries(slowestOf(`{"time_ms":%d}`, upTo(100, 0, -1)...)), MetaFlags{SQLTruncated: true}},
	{"map of 100 stays", queries("{" + times(100, `"q#":{"time_ms":#}`) + "}"), "", MetaFlags{}},
	{"ties in their old order", queries("[" + times(150, `{"n":#,"time_ms":5}`) + "]"), queries("[" + times(100, `{"n":#,"time_ms":5}`) + "]"), MetaFlags{SQLTruncated: true}},
	{"queries of every type", queries("[" + times(30, `1,"a",null,[{"time_ms":9}]`) + `,{"time_ms":0.1}]`), queries(`[{"time_ms":0.1},` + times(24, `1,"a",null,[{"time_ms":9}]`) + `,1,"a",null]`), MetaFlags{SQLTruncated: true}},
	{"time of 1000 bytes", queries("[" + times(100, "1") + `,{"time_ms":` + strings.Repeat("1", 1000) + "}]"), queries(`[{"time_ms":` + strings.Repeat("1", 1000) + "}," + times(99, "1") + "]"), MetaFlags{SQLTruncated: true}},
	{"queries at the top", `{"queries":[` + times(101, "1") + `]}`, "", MetaFlags{}},
	{"sql is a list", `{"sql":[` + times(101, "1") + `]}`, "", MetaFlags{}},
	{"queries are a string", queries(`"` + times(101, "1") + `"`), "", MetaFlags{}},

	{"both, the other way round", `{"sql":{"queries":[` + times(101, "1") + `]},"xhprof":{"profiling":{"top_functions":[` + times(51, "1") + `]}}}`,
		`{"sql":{"queries":[` + times(100, "1") + `]},"xhprof":{"profiling":{"top_functions":[` + times(50, "1") + `]}}}`, MetaFlags{true, true}},
	{"escaped names", `{"xhp\u0072of":{"\u0070rofiling":{"top\u005ffunctions":[` + times(51, "1") + `]}},"\u0073ql":{"q\u0075eries":[` + times(100, "1") + `,{"time\u005Fms":2}]}}`,
		`{"xhp\u0072of":{"\u0070rofiling":{"top\u005ffunctions":[` + times(50, "1") + `]}},"\u0073ql":{"q\u0075eries":[{"time\u005Fms":2},` + times(99, "1") + `]}}`, MetaFlags{true, true}},

	{"xhprof twice, the first too large", `{"xhprof":{"profiling":{"top_functions":[` + times(51, "1") + `]}},"xhprof":{}}`, "", MetaFlags{}},
	{"xhprof twice, the second no object", `{"xhprof":{"profiling":{"top_functions":[` + times(51, "1") + `]}},"xhprof":1}`, "", MetaFlags{}},
	{"xhprof twice, the second too large", `{"xhprof":{},"xhprof":{"profiling":{"top_functions":[` + times(51, "1") + `]}}}`,
		`{"xhprof":{},"xhprof":{"profiling":{"top_functions":[` + times(50, "1") + `]}}}`, MetaFlags{Truncated: true}},
	{"profiling twice", `{"xhprof":{"profiling":{"top_functions":[` + times(51, "1") + `]},"profiling":{}}}`, "", MetaFlags{}},
	{"top_functions twice", functions("[" + times(51, "1") + `],"top_functions":[]`), "", MetaFlags{}},
	{"sql twice", `{"sql":{"queries":[` + times(101, "1") + `]},"sql":null}`, "", MetaFlags{}},
	{"queries twice", queries("[" + times(101, "1") + `],"queries":7`), "", MetaFlags{}},
	{"queries twice, both too large", queries("[" + times(101, "1") + `],"queries":[` + times(101, "2") + "]"), queries("[" + times(101, "1") + `],"queries":[` + times(100, "2") + "]"), MetaFlags{SQLTruncated: true}},
	{"infinite", queries("[" + times(100, `{"time_ms":1e308}`) + `,{"time_ms":"1e999"}]`), queries(`[{"time_ms":"1e999"},` + times(99, `{"time_ms":1e308}`) + "]"), MetaFlags{SQLTruncated: true}},
	{"negative infinite", queries(`[{"time_ms":-1e999},` + times(100, `{"time_ms":-1e308}`) + "]"), queries("[" + times(100, `{"time_ms":-1e308}`) + "]"), MetaFlags{SQLTruncated: true}},
	{"time_ms twice", queries("[" + times(100, "1") + `,{"time_ms":9,"time_ms":0}]`), queries("[" + times(100, "1") + "]"), MetaFlags{SQLTruncated: true}},
}

func TestCut(t *testing.T) {
	for _, test := range cutTests {
		t.Run(test.name, func(t *testing.T) {
			want := test.want
			if want == "" {
				want = test.doc
			}
			withMeta := strings.TrimSuffix(want, "}") + `,"_meta":7}`
			if want == "{}" {
				withMeta = `{"_meta":7}`
			}
			got, m := shrinkWith(t, " "+test.doc+"\n", "7")
			if got != withMeta {
				t.Errorf("got  %s\nwant %s", got, withMeta)
			}
			if m != test.flags {
				t.Errorf("marks %v, want %v", m, test.flags)
			}
			wantSlow(t, []byte(test.doc), got, m)
		})
	}
}

// shrinkWith checks and cuts doc and gives it that "_meta".
func shrinkWith(t *testing.T, doc, meta string) (string, MetaFlags) {
	t.Helper()
	o, err := Check([]byte(doc), never)
	if err != nil {
		t.Fatal(err)
	}
	c, err := PlanShrink([]byte(doc), o.object.from, never)
	if err != nil {
		t.Fatal(err)
	}
	pieces := c.Pieces([]byte(doc), o, []byte(meta))
	if len(pieces) > maxPieces {
		t.Errorf("%d pieces, want %d at most", len(pieces), maxPieces)
	}
	return string(slices.Concat(pieces...)), c.Flags()
}

// queryTimes has the time that counts for each query.
var queryTimes = []struct {
	name, query string
	want        float64
}{
	{"no object", `12`, 0},
	{"no time", `{}`, 0},
	{"null", `{"time_ms":null}`, 0},
	{"true", `{"time_ms":true}`, 0},
	{"list", `{"time_ms":[5]}`, 0},
	{"object", `{"time_ms":{"time_ms":5}}`, 0},
	{"further down", `{"a":{"time_ms":5}}`, 0},
	{"integer", `{"time_ms":5}`, 5},
	{"negative", `{"time_ms":-5}`, -5},
	{"minus zero", `{"time_ms":-0.0}`, 0},
	{"exponent", `{"time_ms":0.5e1}`, 5},
	{"numeric string", `{"time_ms":"5"}`, 5},
	{"numeric string with a sign", `{"time_ms":"+5"}`, 5},
	{"numeric string, negative", `{"time_ms":"-5.0"}`, -5},
	{"numeric string without integer part", `{"time_ms":".5"}`, 0.5},
	{"numeric string without decimals", `{"time_ms":"5."}`, 5},
	{"numeric string with an exponent", `{"time_ms":"50E-1"}`, 5},
	{"numeric string with leading zeros", `{"time_ms":"005"}`, 5},
	{"numeric string with white space", `{"time_ms":" \n5\t "}`, 5},
	{"numeric string with all white space", `{"time_ms":" \t\n\r\f\u000b5 \t\n\r\f\u000b"}`, 5},
	{"numeric string with escapes", `{"time_ms":"\u0035"}`, 5},
	{"empty string", `{"time_ms":""}`, 0},
	{"blank string", `{"time_ms":" "}`, 0},
	{"text", `{"time_ms":"fast"}`, 0},
	{"number and text", `{"time_ms":"5ms"}`, 0},
	{"hexadecimal", `{"time_ms":"0x5"}`, 0},
	{"hexadecimal with exponent", `{"time_ms":"0x5p0"}`, 0},
	{"underscore", `{"time_ms":"0_5"}`, 0},
	{"infinity", `{"time_ms":"Inf"}`, 0},
	{"not a number", `{"time_ms":"NaN"}`, 0},
	{"two numbers", `{"time_ms":"5 5"}`, 0},
	{"point alone", `{"time_ms":"."}`, 0},
	{"exponent alone", `{"time_ms":"e5"}`, 0},
}

// TestCut_Times puts the query behind a hundred that are a little faster, as fast, and a little slower: only behind
// faster ones it is kept, and then it is the first.
func TestCut_Times(t *testing.T) {
	for _, test := range queryTimes {
		t.Run(test.name, func(t *testing.T) {
			for _, other := range []float64{test.want - 0.25, test.want, test.want + 0.25} {
				rest := fmt.Sprintf(`{"time_ms":%v,"n":1}`, other)
				doc := queries("[" + times(100, rest) + "," + test.query + "]")
				got, m := shrinkWith(t, doc, "0")
				first := strings.Contains(got, "["+test.query+",")
				gone := !strings.Contains(got, test.query)
				if first != (test.want > other) || gone == first {
					t.Errorf("beside %v: first %v, gone %v", other, first, gone)
				}
				wantSlow(t, []byte(doc), got, m)
			}
		})
	}
}

func TestCut_TimeTooLong(t *testing.T) {
	zero := `{"time_ms":` + strings.Repeat("1", 1001) + "}"
	got, _ := shrinkWith(t, queries("["+times(100, "1")+","+zero+"]"), "0")
	if strings.Contains(got, zero) {
		t.Error("a time of 1001 bytes counts as more than 0")
	}
}

func TestPieces_Meta(t *testing.T) {
	for _, test := range []struct{ name, doc, want string }{
		{"empty", ` { } `, `{ "_meta":{"x":1}}`},
		{"added as the last", `{"a":1 }`, `{"a":1 ,"_meta":{"x":1}}`},
		{"replaced", `{"_meta": null ,"a":1}`, `{"_meta": {"x":1} ,"a":1}`},
		{"the last is replaced", `{"_meta":1,"_meta":2}`, `{"_meta":1,"_meta":{"x":1}}`},
		{"between the cuts", `{"sql":{"queries":[` + times(101, "1") + `]},"_meta":{},"xhprof":{"profiling":{"top_functions":[` + times(51, "1") + `]}}}`,
			`{"sql":{"queries":[` + times(100, "1") + `]},"_meta":{"x":1},"xhprof":{"profiling":{"top_functions":[` + times(50, "1") + `]}}}`},
		{"before the cuts", `{"_meta":[],"sql":{"queries":[` + times(101, "1") + `]}}`, `{"_meta":{"x":1},"sql":{"queries":[` + times(100, "1") + `]}}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got, _ := shrinkWith(t, test.doc, `{"x":1}`); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

func TestAround(t *testing.T) {
	for _, test := range []struct{ name, doc, want string }{
		{"empty", "\n{} ", `{"_meta":7}`},
		{"added", ` {"a":1} `, `{"a":1,"_meta":7}`},
		{"replaced", ` {"_meta" : {"x":2} ,"a":1} `, `{"_meta" : 7 ,"a":1}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			doc := []byte(test.doc)
			o, err := Check(doc, never)
			if err != nil {
				t.Fatal(err)
			}
			head, before, tail := o.Around(doc)
			if got := string(head) + before + "7" + string(tail); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
			if n := testing.AllocsPerRun(10, func() { o.Around(doc) }); n != 0 {
				t.Errorf("%v allocations", n)
			}
		})
	}
}

func TestOutlineTrusted(t *testing.T) {
	for _, test := range []struct {
		name, doc string
		want      Outline
		err       error
	}{
		{"empty", `{}`, Outline{object: span{0, 2}, empty: true}, nil},
		{"empty with white space", " {\t\r\n} ", Outline{object: span{1, 6}, empty: true}, nil},
		{"members", "\n{ \"a\":1 }\n", Outline{object: span{1, 10}}, nil},
		{"one brace", `{`, Outline{}, ErrNotObject},
		{"the other brace", `}`, Outline{}, ErrNotObject},
		{"no bytes", ``, Outline{}, ErrNotObject},
		{"white space", " \n ", Outline{}, ErrNotObject},
		{"list", `[{}]`, Outline{}, ErrNotObject},
		{"open at the end", `{"a":1`, Outline{}, ErrNotObject},
		{"open at the start", `"a":1}`, Outline{}, ErrNotObject},
		{"NUL behind", "{}\x00", Outline{}, ErrNotObject},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got, err := OutlineTrusted([]byte(test.doc)); got != test.want || err != test.err {
				t.Errorf("got %v, %v, want %v, %v", got, err, test.want, test.err)
			}
		})
	}
}

func TestCut_Fails(t *testing.T) {
	large := sample(10, 8000)
	for _, test := range []struct {
		name  string
		doc   []byte
		until Limit
		want  error
	}{
		{"trusted wrongly", []byte(`{"sql":{"queries":[1,}}`), never, ErrSyntax},
		{"a name that does not end", []byte(`{"sql":{"queries":[{"time_ms\u`), never, ErrSyntax},
		{"no value", []byte(`{"sql":{"queries":[{"time_ms":`), never, ErrSyntax},
		{"too deep", []byte(nested(`{"a":`, `1`, `}`, 513)), never, ErrDepth},
		{"late", large, asking(func() bool { return true }), ErrTimeUp},
	} {
		t.Run(test.name, func(t *testing.T) {
			if _, err := PlanShrink(test.doc, 0, test.until); !errors.Is(err, test.want) {
				t.Errorf("got %v, want %v", err, test.want)
			}
		})
	}
}

func TestCut_StopsWhenTimeIsUp(t *testing.T) {
	doc := sample(10, 100_000)
	fastest := time.Hour // of a few, as the machine may be busy
	for range 5 {
		start := time.Now()
		if _, err := PlanShrink(doc, 0, asking(func() bool { return true })); err != ErrTimeUp {
			t.Fatal(err)
		}
		fastest = min(fastest, time.Since(start))
	}
	if fastest > 5*time.Millisecond {
		t.Errorf("it took %v to stop in %d bytes", fastest, len(doc))
	}
}

func TestCut_AllocatesOnce(t *testing.T) {
	for _, test := range []struct {
		name string
		doc  string
	}{
		{"profile", string(sample(100, 3000))},
		{"no numbers", queries("[" + times(3000, `{"time_ms":null},{"time_ms":"fast"},{"time_ms":{"a":1}}`) + "]")},
	} {
		t.Run(test.name, func(t *testing.T) {
			doc := []byte(test.doc)
			if got := testing.AllocsPerRun(10, func() { _, _ = PlanShrink(doc, 0, never) }); got > 1 {
				t.Errorf("%v allocations", got)
			}
		})
	}
}

func TestNumber_IsWhatStrconvRoundsTo(t *testing.T) {
	const digits = "918273645546372819"
	for _, first := range digits {
		for size := range len(digits) {
			for point := range size {
				text := string(first) + digits[:point] + "." + digits[point:size]
				want, err := strconv.ParseFloat(text, 64)
				if got := number([]byte(text)); err != nil || got != want {
					t.Errorf("number(%s) = %v, want %v, %v", text, got, want, err)
				}
			}
		}
	}
}
