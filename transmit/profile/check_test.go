package profile

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

var never = asking(func() bool { return false })

// asking is a limit that is asked of a test.
func asking(isUp func() bool) Limit {
	return Limit{Passed: func(time.Time) bool { return isUp() }}
}

func nested(open, inner, closing string, depth int) string {
	return strings.Repeat(open, depth) + inner + strings.Repeat(closing, depth)
}

var checkTests = []struct {
	name string
	doc  string
	want error
}{
	{"empty object", `{}`, nil},
	{"white space of all kinds", " \t\r\n{ \n\"a\"\t:\r1 , \"b\" : [ ] , \"c\" : [ 1 , { } ] }\n ", nil},
	{"long white space", "{" + strings.Repeat(" \n", 40) + "}", nil},
	{"every type", `{"a":[true,false,null,"",0,{},[]]}`, nil},
	{"a name twice", `{"a":1,"a":2}`, nil},
	{"empty name", `{"":1}`, nil},

	{"no bytes", ``, ErrSyntax},
	{"white space alone", " \n", ErrSyntax},
	{"byte order mark", "\uFEFF{}", ErrSyntax},
	{"form feed", "\f{}", ErrSyntax},
	{"no-break space", "{\u00a0}", ErrSyntax},
	{"NUL behind", "{}\x00", ErrSyntax},
	{"NUL inside", "{\x00}", ErrSyntax},
	{"a second object", `{}{}`, ErrSyntax},
	{"a closing bracket too many", `{}}`, ErrSyntax},
	{"a comment", `{/**/}`, ErrSyntax},
	{"single quotes", `{'a':1}`, ErrSyntax},
	{"a bare name", `{a:1}`, ErrSyntax},
	{"a number as name", `{1:1}`, ErrSyntax},
	{"brackets crossed", `{"a":[}]`, ErrSyntax},
	{"list closed as an object", `{"a":[1}`, ErrSyntax},
	{"object closed as a list", `{"a":1]`, ErrSyntax},
	{"comma before }", `{"a":1,}`, ErrSyntax},
	{"comma before ]", `{"a":[1,]}`, ErrSyntax},
	{"comma after [", `{"a":[,1]}`, ErrSyntax},
	{"comma after {", `{,"a":1}`, ErrSyntax},
	{"two commas", `{"a":[1,,2]}`, ErrSyntax},
	{"no comma between elements", `{"a":[1 2]}`, ErrSyntax},
	{"no comma between members", `{"a":1 "b":2}`, ErrSyntax},
	{"no colon", `{"a" 1}`, ErrSyntax},
	{"two colons", `{"a"::1}`, ErrSyntax},
	{"no value", `{"a":}`, ErrSyntax},
	{"a name alone", `{"a"}`, ErrSyntax},
	{"a value in place of a member", `{[]}`, ErrSyntax},

	{"list", `[1]`, ErrNotObject},
	{"string", ` "a" `, ErrNotObject},
	{"number", `1`, ErrNotObject},
	{"literal", `null`, ErrNotObject},
	{"broken list", `[1`, ErrSyntax},
	{"broken number", `1.`, ErrSyntax},
	{"list and more", `[1]{}`, ErrSyntax},

	{"depth 511", nested(`{"a":`, `1`, `}`, 511), nil},
	{"depth 512", nested(`{"a":`, `1`, `}`, 512), nil},
	{"depth 513", nested(`{"a":`, `1`, `}`, 513), ErrDepth},
	{"depth 512, the last one empty", nested(`{"a":`, `{}`, `}`, 511), nil},
	{"depth 513, the last one empty", nested(`{"a":`, `{}`, `}`, 512), ErrDepth},
	{"depth 511 with lists", `{"a":` + nested(`[`, ``, `]`, 510) + `}`, nil},
	{"depth 512 with lists", `{"a":` + nested(`[`, ``, `]`, 511) + `}`, nil},
	{"depth 513 with lists", `{"a":` + nested(`[`, ``, `]`, 512) + `}`, ErrDepth},
	{"lists of depth 513", nested(`[`, ``, `]`, 513), ErrDepth},
	{"depth is not what is beside one another", `{"a":[` + strings.Repeat(`{},[],[1],{"b":1},`, 600) + `1]}`, nil},

	{"two-byte character", `{"ä":"ö"}`, nil},
	{"first and last of each length", "{\"\x7f\":\"\u0080\u07ff\u0800\uffff\U00010000\U0010ffff\"}", nil},
	{"before and after the surrogates", "{\"a\":\"\ud7ff\ue000\"}", nil},
	{"lone continuation", "{\"a\":\"\x80\"}", ErrUTF8},
	{"lead without continuation", "{\"a\":\"\xc3\"}", ErrUTF8},
	{"overlong slash in two", "{\"a\":\"\xc0\xaf\"}", ErrUTF8},
	{"overlong in three", "{\"a\":\"\xe0\x80\xaf\"}", ErrUTF8},
	{"overlong in four", "{\"a\":\"\xf0\x80\x80\xaf\"}", ErrUTF8},
	{"surrogate in UTF-8", "{\"a\":\"\xed\xa0\x80\"}", ErrUTF8},
	{"above U+10FFFF", "{\"a\":\"\xf4\x90\x80\x80\"}", ErrUTF8},
	{"byte FF", "{\"a\":\"\xff\"}", ErrUTF8},
	{"UTF-16", "{\x00}\x00", ErrSyntax},
	{"UTF-16 with its mark", "\xff\xfe{\x00}\x00", ErrUTF8},
	{"bad UTF-8 goes before bad syntax", "{1:\"\xff\"}", ErrUTF8},
	{"bad UTF-8 in the last byte", "{}\xc3", ErrUTF8},
}

// values are tried as {"a":VALUE}, alone and with bytes around that move them across the borders of words.
var values = []struct {
	name  string
	value string
	want  error
}{
	{"zero", `0`, nil},
	{"minus zero", `-0`, nil},
	{"all digits", `1234567890`, nil},
	{"eight digits", `12345678`, nil},
	{"forty digits", strings.Repeat("1234567890", 4), nil},
	{"fraction", `-0.0123456789`, nil},
	{"exponents", `[1e5,1E5,1e+5,1E-05,1.5e0,0e0]`, nil},
	{"out of range", `1e999999`, nil},
	{"leading zero", `01`, ErrSyntax},
	{"leading zero, negative", `-01`, ErrSyntax},
	{"two zeros", `00`, ErrSyntax},
	{"minus alone", `-`, ErrSyntax},
	{"two minuses", `--1`, ErrSyntax},
	{"plus", `+1`, ErrSyntax},
	{"no integer part", `.5`, ErrSyntax},
	{"no integer part, negative", `-.5`, ErrSyntax},
	{"no decimals", `1.`, ErrSyntax},
	{"no decimals before the exponent", `1.e5`, ErrSyntax},
	{"two points", `1.2.3`, ErrSyntax},
	{"no exponent", `1e`, ErrSyntax},
	{"no exponent after its sign", `1e+`, ErrSyntax},
	{"exponent with a fraction", `1e1.5`, ErrSyntax},
	{"two exponents", `1e1e1`, ErrSyntax},
	{"hexadecimal", `0x10`, ErrSyntax},
	{"underscore", `1_0`, ErrSyntax},
	{"colon is behind 9", `1:`, ErrSyntax},
	{"slash is before 0", `/1`, ErrSyntax},
	{"NaN", `NaN`, ErrSyntax},
	{"Infinity", `-Infinity`, ErrSyntax},
	{"full-width digit", `１`, ErrSyntax},
	{"full-width digit behind a digit", `1１`, ErrSyntax},
	{"letter behind a digit", `1ä`, ErrSyntax},

	{"literals", `[true,false,null]`, nil},
	{"True", `True`, ErrSyntax},
	{"tru", `tru`, ErrSyntax},
	{"truE", `truE`, ErrSyntax},
	{"truee", `truee`, ErrSyntax},
	{"fals", `fals`, ErrSyntax},
	{"falsy", `falsy`, ErrSyntax},
	{"nul", `nul`, ErrSyntax},
	{"nulll", `nulll`, ErrSyntax},

	{"every short escape", `"\"\\\/\b\f\n\r\t"`, nil},
	{"unicode escapes", `"\u0000\u00e9\u00E9\uABCD\uabcd\u2028"`, nil},
	{"surrogate pair", `"\ud83d\ude00"`, nil},
	{"high surrogate alone", `"\ud800"`, nil},
	{"low surrogate alone", `"\udfff"`, nil},
	{"surrogates the wrong way round", `"\ude00\ud83d"`, nil},
	{"high surrogate and another escape", `"\ud800\n"`, nil},
	{"unknown escape", `"\a"`, ErrSyntax},
	{"upper case escape", `"\N"`, ErrSyntax},
	{"escape of an apostrophe", `"\'"`, ErrSyntax},
	{"x escape", `"\x41"`, ErrSyntax},
	{"escaped NUL byte", "\"\\\x00\"", ErrSyntax},
	{"three hex digits", `"\u123"`, ErrSyntax},
	{"not a hex digit", `"\u12g4"`, ErrSyntax},
	{"neighbours of the hex digits", `"\u000@"`, ErrSyntax},
	{"upper case U", `"\U0041"`, ErrSyntax},
	{"escape at the end", `"\`, ErrSyntax},
	{"string without end", `"abc`, ErrSyntax},
	{"tab", "\"\t\"", ErrSyntax},
	{"line feed", "\"\n\"", ErrSyntax},
	{"unit separator", "\"\x1f\"", ErrSyntax},
	{"NUL", "\"\x00\"", ErrSyntax},
	{"delete is allowed", "\"\x7f\"", nil},
}

func TestCheck(t *testing.T) {
	for _, test := range checkTests {
		t.Run(test.name, func(t *testing.T) { wantCheck(t, test.doc, test.want) })
	}
}

func TestCheck_Values(t *testing.T) {
	for _, test := range values {
		t.Run(test.name, func(t *testing.T) {
			for shift := range 17 {
				fill := strings.Repeat("x", shift)
				wantCheck(t, `{"`+fill+`":`+test.value+`}`, test.want)
				wantCheck(t, `{"a":`+test.value+`,"`+fill+`":[]}`, test.want)
			}
		})
	}
}

func wantCheck(t *testing.T, doc string, want error) {
	t.Helper()
	if _, err := Check([]byte(doc), never); !errors.Is(err, want) {
		t.Errorf("Check(%.80q) = %v, want %v", doc, err, want)
	}
	if got := slowCheck([]byte(doc)); got != want {
		t.Errorf("encoding/json on %.80q: %v, want %v", doc, got, want)
	}
}

// slowCheck is what Check promises, said with the standard library.
func slowCheck(doc []byte) error {
	switch {
	case !utf8.Valid(doc):
		return ErrUTF8
	case deepestBefore(doc) > MaxDepth:
		return ErrDepth
	case !json.Valid(doc):
		return ErrSyntax
	case bytes.TrimLeft(doc, " \t\r\n")[0] != '{':
		return ErrNotObject
	}
	return nil
}

// deepestBefore is how deep doc nests up to where it stops being JSON.
func deepestBefore(doc []byte) (deepest int) {
	dec := json.NewDecoder(bytes.NewReader(doc))
	dec.UseNumber() // a float64 is no more than 1.8e308
	depth := 0
	for {
		token, err := dec.Token()
		if err != nil {
			return deepest
		}
		switch token {
		case json.Delim('{'), json.Delim('['):
			depth++
			deepest = max(deepest, depth)
		case json.Delim('}'), json.Delim(']'):
			depth--
		}
		if depth == 0 {
			return deepest
		}
	}
}

func TestCheck_RefusesEveryPrefix(t *testing.T) {
	doc := "{\"a\":[1.5e-3,true,null,\"\\u00e9\\n\u20ac\"],\"longer name\" : {\"b\":{},\"c\":[[]]}}"
	wantCheck(t, doc, nil)
	for i := range len(doc) {
		want := ErrSyntax
		if !utf8.ValidString(doc[:i]) {
			want = ErrUTF8
		}
		wantCheck(t, doc[:i], want)
	}
}

func TestCheck_EveryByteAtEveryPlaceOfAWord(t *testing.T) {
	for c := range 256 {
		for at := range 17 {
			text := []byte(`{"0123456789abcdef":"0123456789abcdef0","x":[12345678901234567]}`)
			for _, from := range []int{2, 21, 45} {
				doc := bytes.Clone(text)
				doc[min(from+at, len(doc)-1)] = byte(c)
				if _, err := Check(doc, never); !errors.Is(err, slowCheck(doc)) {
					t.Fatalf("Check(%q) = %v, want %v", doc, err, slowCheck(doc))
				}
			}
		}
	}
}

func TestCheck_SaysWhere(t *testing.T) {
	for _, test := range []struct {
		name, doc, want string
	}{
		{"syntax", `{"a":1,}`, "not valid JSON at byte 7"},
		{"behind the end", `{"a":`, "not valid JSON at byte 5"},
		{"depth", nested(`{"a":`, `{}`, `}`, 512), "nested too deep at byte 2560"},
		{"UTF-8", "{\"ä\xff\"}", "not valid UTF-8 at byte 4"},
		{"UTF-8 in the second chunk", `{"` + strings.Repeat("€", chunk/2) + "\xff\"}", fmt.Sprint("not valid UTF-8 at byte ", 2+3*(chunk/2))},
		{"not an object", ` []`, "not a JSON object at byte 1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if _, err := Check([]byte(test.doc), never); err == nil || err.Error() != test.want {
				t.Errorf("got %v, want %s", err, test.want)
			}
		})
	}
}

func TestCheck_Outline(t *testing.T) {
	for _, test := range []struct {
		name, doc, object, meta string
		empty                   bool
	}{
		{"empty", " {} ", "{}", "", true},
		{"empty with white space", "\n{ \t}\n", "{ \t}", "", true},
		{"members", `{"a":1}`, `{"a":1}`, "", false},
		{"_meta", `{"_meta":{"x":[1]},"a":1}`, `{"_meta":{"x":[1]},"a":1}`, `{"x":[1]}`, false},
		{"white space around _meta", `{"_meta" : 12 }`, `{"_meta" : 12 }`, `12`, false},
		{"the last of two", `{"_meta":1,"_meta":2,"a":3}`, `{"_meta":1,"_meta":2,"a":3}`, `2`, false},
		{"escaped name", `{"\u005fm\u0065ta":7}`, `{"\u005fm\u0065ta":7}`, `7`, false},
		{"name all escaped", `{"\u005f\u006d\u0065\u0074\u0061":7}`, `{"\u005f\u006d\u0065\u0074\u0061":7}`, `7`, false},
		{"escaped name of another", `{"_meta\u0000":7}`, `{"_meta\u0000":7}`, ``, false},
		{"further down", `{"a":{"_meta":1}}`, `{"a":{"_meta":1}}`, ``, false},
		{"longer names", `{"_metal":1,"__meta":1,"_met":1,"":1}`, `{"_metal":1,"__meta":1,"_met":1,"":1}`, ``, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			doc := []byte(test.doc)
			o, err := Check(doc, never)
			if err != nil {
				t.Fatal(err)
			}
			if got := string(o.object.of(doc)); got != test.object {
				t.Errorf("object %q, want %q", got, test.object)
			}
			if got := string(o.meta.of(doc)); got != test.meta {
				t.Errorf("meta %q, want %q", got, test.meta)
			}
			if o.empty != test.empty {
				t.Errorf("empty %v, want %v", o.empty, test.empty)
			}
		})
	}
}

// TestCheck_AsksForTheTime has one document for each loop that could go on without asking.
func TestCheck_AsksForTheTime(t *testing.T) {
	const size = 8 * chunk
	for _, test := range []struct {
		name, doc string
	}{
		{"string", `{"a":"` + strings.Repeat("x", size) + `"}`},
		{"string of continuations", `{"a":"` + strings.Repeat("€", size/3) + `"}`},
		{"string of escapes", `{"a":"` + strings.Repeat(`\n`, size/2) + `"}`},
		{"number", `{"a":` + strings.Repeat("1", size) + `}`},
		{"white space", `{"a":` + strings.Repeat(" ", size) + `1}`},
		{"white space before", strings.Repeat(" ", size) + `{}`},
		{"empty lists", `{"a":[` + strings.Repeat("[],", size/3) + `1]}`},
		{"members", `{` + strings.Repeat(`"a":1,`, size/6) + `"b":2}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			asked := 0
			if _, err := Check([]byte(test.doc), asking(func() bool { asked++; return false })); err != nil {
				t.Fatal(err)
			}
			if asked < 14 || asked > 16 {
				t.Errorf("asked %d times, want 14 to 16 in 2 passes over 8 chunks", asked)
			}
			for last := range asked {
				asked := 0
				_, err := Check([]byte(test.doc), asking(func() bool { asked++; return asked > last }))
				if err != ErrTimeUp || asked != last+1 {
					t.Errorf("expired at question %d: %v after %d questions, want ErrTimeUp", last+1, err, asked)
				}
			}
		})
	}
}

func TestCheck_AllocatesNothing(t *testing.T) {
	doc := sample(160, 200)
	if got := testing.AllocsPerRun(10, func() { _, _ = Check(doc, never) }); got != 0 {
		t.Errorf("%v allocations", got)
	}
}

func FuzzCheck(f *testing.F) {
	for _, test := range checkTests {
		f.Add([]byte(test.doc))
	}
	for _, test := range values {
		f.Add([]byte(`{"a":` + test.value + `}`))
	}
	f.Add([]byte("[1e700," + strings.Repeat("[", MaxDepth)))
	f.Fuzz(func(t *testing.T, doc []byte) {
		want := slowCheck(doc)
		o, err := Check(doc, never)
		if !errors.Is(err, want) {
			t.Fatalf("Check(%q) = %v, want %v", doc, err, want)
		}
		if err != nil {
			return
		}
		trusted, err := OutlineTrusted(doc)
		if err != nil || trusted.object != o.object || trusted.empty != o.empty {
			t.Fatalf("OutlineTrusted(%q) = %v, %v, want %v", doc, trusted, err, o)
		}
	})
}
