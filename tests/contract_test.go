package tests

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	check(t, err)
	return string(text)
}

var (
	comments    = regexp.MustCompile(`(?s)/\*.*?\*/`)
	directives  = regexp.MustCompile(`(?m)^#.*$`)
	declaration = regexp.MustCompile(`(?s)[^;{}"]*\btransmit_\w+\([^;]*\);`)
	function    = regexp.MustCompile(`\btransmit_\w+`)
	constant    = regexp.MustCompile(`(?m)^#define (TRANSMIT_\w+) \(?(-?\d+)\)? `)
)

// declarations are a header's, each on one line, sorted.
func declarations(header string) []string {
	code := directives.ReplaceAllString(comments.ReplaceAllString(header, ""), "")
	var all []string
	for _, found := range declaration.FindAllString(code, -1) {
		all = append(all, strings.Join(strings.Fields(found), " "))
	}
	slices.Sort(all)
	return all
}

func names(declarations []string) []string {
	var all []string
	for _, text := range declarations {
		all = append(all, function.FindString(text))
	}
	slices.Sort(all)
	return all
}

func equal(t *testing.T, what string, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s:\n got %q\nwant %q", what, got, want)
	}
}

// The header, PHP's header, the version script and the library say the same.
func TestContract(t *testing.T) {
	header := declarations(read(t, root+"/include/transmit.h"))
	if len(header) != 14 {
		t.Fatalf("declarations: %q", header)
	}
	equal(t, "transmit_ffi.h", declarations(read(t, root+"/include/transmit_ffi.h")), header)
	equal(t, "build/transmit_ffi.h", declarations(read(t, build+"/transmit_ffi.h")), header)
	_, php, _ := strings.Cut(read(t, build+"/transmit_ffi.php"), "', '")
	equal(t, "build/transmit_ffi.php", declarations(php), header)

	script, _, _ := strings.Cut(read(t, root+"/door/export.map"), "local:")
	exported := function.FindAllString(script, -1)
	slices.Sort(exported)
	equal(t, "export.map", exported, names(header))

	nm := succeed(t, 10*time.Second, exec.Command("nm", "-D", "--defined-only", filepath.Join(build, "libtransmit.so")))
	var symbols []string
	for line := range strings.Lines(nm) {
		fields := strings.Fields(line)
		name, _, _ := strings.Cut(fields[len(fields)-1], "@")
		if fields[len(fields)-2] != "A" { // the version's own name
			symbols = append(symbols, name)
		}
	}
	slices.Sort(symbols)
	equal(t, "libtransmit.so", symbols, names(header))
}

// Every function, constant and setting of the header is in the man page.
func TestContract_ManPage(t *testing.T) {
	header, page := read(t, root+"/include/transmit.h"), read(t, root+"/include/transmit.3")
	synopsis, _, _ := strings.Cut(page, ".Sh DESCRIPTION")
	functions := names(declarations(header))
	equal(t, "NAME", unique(regexp.MustCompile(`(?m)^\.Nm (transmit_\w+)`), synopsis), functions)
	equal(t, "SYNOPSIS", unique(regexp.MustCompile(`(?m)^\.F[no] (transmit_\w+)`), synopsis), functions)
	equal(t, "DESCRIPTION", unique(regexp.MustCompile(`(?m)(?:^\.It|,) Fn (transmit_\w+)`), page), functions)
	constants := unique(regexp.MustCompile(`(?m)^#define (TRANSMIT_\w+) `), header)
	equal(t, "constants", unique(regexp.MustCompile(`\bDv (TRANSMIT_\w+)`), page), constants)
	_, table, _ := strings.Cut(header, "key                default")
	table, _, _ = strings.Cut(table, "Returns 0.")
	settings := unique(regexp.MustCompile(`(?m)^ \*   (\w+)  `), table)
	equal(t, "settings", unique(regexp.MustCompile(`(?m)^\.It Va (\w+)`), page), settings)
	for _, found := range constant.FindAllStringSubmatch(header, -1) {
		value := strings.ReplaceAll(found[2], "-", `\-`)
		if strings.Contains(found[1], "_E") && !strings.Contains(page, ".It Dv "+found[1]+"\n"+value+",") {
			t.Errorf("%s is not %s in the page", found[1], value)
		}
	}
}

// unique are the first groups of all matches, sorted, each once.
func unique(pattern *regexp.Regexp, text string) []string {
	var all []string
	for _, found := range pattern.FindAllStringSubmatch(text, -1) {
		all = append(all, found[1])
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// PHP's parser takes its header, and the library has what it declares.
func TestContract_InPHP(t *testing.T) {
	php := need(t, "php", "php-cli")
	code := `$ffi = FFI::load($argv[1]); echo $ffi->transmit_abi_version(), " ", $ffi->transmit_strerror(0);`
	out := succeed(t, 10*time.Second, exec.Command(php, "-d", "ffi.enable=true", "-r", code, build+"/transmit_ffi.h"))
	if out != "1 sent to the listener" {
		t.Errorf("PHP got %q", out)
	}
}

// Every result has a value and a text of its own.
func TestContract_Results(t *testing.T) {
	header := read(t, root+"/include/transmit.h")
	values, texts := map[string]string{}, map[string]string{}
	d := idleDriver(t, newScene(t))
	unknown := d.text("-9999")
	for _, found := range constant.FindAllStringSubmatch(header, -1) {
		name, value := found[1], found[2]
		if !strings.HasPrefix(name, "TRANSMIT_E") && name != "TRANSMIT_SENT" &&
			name != "TRANSMIT_BUFFERED" && name != "TRANSMIT_PENDING" {
			continue
		}
		text := d.text(value)
		if text == "" || text == unknown {
			t.Errorf("%s has no text", name)
		}
		if other := texts[text]; other != "" {
			t.Errorf("%s and %s have the same text", name, other)
		}
		if other := values[value]; other != "" {
			t.Errorf("%s and %s have the same value", name, other)
		}
		texts[text], values[value] = name, name
	}
	if len(texts) != 20 {
		t.Errorf("%d results, want 20", len(texts))
	}
}
