// Package tests holds what crosses a language or a process: the built library in
// C programs, in PHP and in php-fpm, with real sockets, files and listeners.
package tests

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
)

var (
	root  = absolute("..")
	build = absolute(env("TRANSMIT_BUILD", "../build"))

	// programs are compiled C programs, where there may be no compiler; else "".
	programs = os.Getenv("TRANSMIT_PROGRAMS")

	// stage is a copy of what is under test, in the repository's own layout, that
	// every user can read: php-fpm's workers cannot look into a home directory.
	stage string
)

func TestMain(m *testing.M) {
	os.Exit(runAll(m))
}

func runAll(m *testing.M) int {
	var err error
	if stage, err = os.MkdirTemp("", "tx"); err == nil {
		defer os.RemoveAll(stage)
		err = setStage()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	// Whatever library the environment names, this one is under test.
	os.Setenv("TRANSMIT_LIBRARY", stage+"/build/libtransmit.so")
	return m.Run()
}

func setStage() error {
	err := os.Chmod(stage, 0o755)
	folders, _ := filepath.Glob(root + "/php/src/[A-Z]*[a-z]")
	for _, folder := range folders {
		if !strings.HasSuffix(folder, ".php") {
			err = errors.Join(err, copyAll(folder+"/*", filepath.Join(stage, "php/src", filepath.Base(folder))))
		}
	}
	for _, c := range []struct{ from, to string }{
		{root + "/php/*.php", "php"},
		{root + "/php/src/*.php", "php/src"},
		{root + "/include/*.h", "include"},
		{root + "/tests/php/oracle.php", "tests/php"},
		{root + "/tests/php/scripts/*", "tests/php/scripts"},
		{root + "/tests/php/pages/*", "tests/php/pages"},
		{root + "/tests/php/apps/*", "tests/php/apps"},
		{build + "/libtransmit.so*", "build"},
	} {
		err = errors.Join(err, copyAll(c.from, filepath.Join(stage, c.to)))
	}
	if programs != "" {
		err = errors.Join(err, copyAll(programs+"/*", stage))
	}
	for _, name := range []string{"/transmit_ffi.h", "/transmit_ffi.php"} {
		header, readErr := os.ReadFile(build + name)
		text := strings.ReplaceAll(string(header), build+"/", stage+"/build/")
		err = errors.Join(err, readErr, os.WriteFile(stage+"/build"+name, []byte(text), 0o644))
	}
	return err
}

func copyAll(pattern, to string) error {
	files, _ := filepath.Glob(pattern)
	err := os.MkdirAll(to, 0o755)
	for _, from := range files {
		content, readErr := os.ReadFile(from)
		err = errors.Join(err, readErr, os.WriteFile(filepath.Join(to, filepath.Base(from)), content, 0o755))
	}
	return err
}

func absolute(path string) string {
	path, err := filepath.Abs(path)
	if err != nil {
		panic(err)
	}
	return path
}

func env(name, otherwise string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return otherwise
}

// skip leaves a test out, and says why. In strict mode nothing may be left out.
func skip(t *testing.T, why string) {
	t.Helper()
	if os.Getenv("TRANSMIT_STRICT") == "1" {
		t.Fatal("strict mode, but: " + why)
	}
	t.Skip(why)
}

// need returns the full path of a program that the test cannot do without.
func need(t *testing.T, name, debian string) string {
	t.Helper()
	for _, pattern := range []string{name, "/usr/sbin/" + name} {
		if path, err := exec.LookPath(pattern); err == nil {
			return path
		}
		if found, _ := filepath.Glob(pattern); len(found) > 0 {
			return found[len(found)-1]
		}
	}
	skip(t, name+" is not installed: apt-get install "+debian)
	return ""
}

func needRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		skip(t, "only root can do this")
	}
}

// scene is a folder with a place for a listener and for a buffer.
type scene struct {
	dir, socket, buffer string
}

// newScene makes one that any user may use and that goes with the test. Its path
// is short: a socket's has room for 107 bytes.
func newScene(t *testing.T) scene {
	t.Helper()
	dir, err := os.MkdirTemp("", "tx")
	check(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	check(t, os.Chmod(dir, 0o777|os.ModeSticky))
	return scene{dir: dir, socket: dir + "/s", buffer: dir + "/b"}
}

// settings is what leads a library to the scene, as transmit_configure takes it.
func (s scene) settings(more map[string]any) string {
	all := map[string]any{"listener_socket": s.socket, "buffer_dirs": []string{s.buffer}}
	for key, value := range more {
		all[key] = value
	}
	text, err := json.Marshal(all)
	if err != nil {
		panic(err)
	}
	return string(text)
}

func (s scene) write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(s.dir, name)
	check(t, os.WriteFile(path, []byte(text), 0o644))
	return path
}

var profileName = regexp.MustCompile(`^profile_\d{8}_\d{6}_[0-9a-f]{8}\.json$`)

// profiles are the contents of the buffer.
func (s scene) profiles(t *testing.T) [][]byte {
	t.Helper()
	var all [][]byte
	for _, text := range s.files(t) {
		all = append(all, text)
	}
	return all
}

// take empties the buffer, as a listener does, and returns the ids.
func (s scene) take(t *testing.T) map[string]int {
	t.Helper()
	found := map[string]int{}
	for path, text := range s.files(t) {
		add(found, ids(t, text))
		check(t, os.Remove(path))
	}
	return found
}

// files are the files of the buffer. Each one must be whole; what a killed writer
// left under a temporary name does not count.
func (s scene) files(t *testing.T) map[string][]byte {
	t.Helper()
	entries, err := os.ReadDir(s.buffer)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	all := map[string][]byte{}
	for _, entry := range entries {
		if strings.HasPrefix(entry.Name(), ".") {
			continue
		}
		if !profileName.MatchString(entry.Name()) {
			t.Errorf("%s lies in the buffer", entry.Name())
		}
		path := filepath.Join(s.buffer, entry.Name())
		text, err := os.ReadFile(path)
		check(t, err)
		if !json.Valid(text) {
			t.Errorf("%s is not whole: %d bytes, %.80q…", entry.Name(), len(text), text)
		}
		all[path] = text
	}
	return all
}

var compiled sync.Map // name of a C program → func() error, which compiles it once

// program compiles c/NAME.c against the library, unless that is done already, and
// returns the program's path.
func program(t *testing.T, name string, options ...string) string {
	t.Helper()
	path := filepath.Join(stage, name)
	if programs != "" {
		return path
	}
	once, _ := compiled.LoadOrStore(name, sync.OnceValue(func() error { return compile(name, path, options) }))
	check(t, once.(func() error)())
	return path
}

func compile(name, path string, options []string) error {
	gcc := exec.Command("gcc", "-std=gnu11", "-O1", "-g", "-Wall", "-Wextra", "-Werror", "-I", root+"/include",
		"-o", path, "c/"+name+".c", "-L", stage+"/build", "-Wl,-rpath,"+stage+"/build", "-ltransmit", "-pthread")
	gcc.Args = append(gcc.Args, options...)
	if out, err := gcc.CombinedOutput(); err != nil {
		return fmt.Errorf("%v: %w\n%s", gcc.Args, err, out)
	}
	return nil
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

var idPattern = regexp.MustCompile(`"(?:correlation_)?id":"([^"]*)"`)

// ids are the profiles' ids, each with how often it occurs.
func ids(t *testing.T, profiles ...[]byte) map[string]int {
	t.Helper()
	count := map[string]int{}
	for _, text := range profiles {
		match := idPattern.FindSubmatch(text)
		if match == nil {
			t.Fatalf("a profile without id: %.200q", text)
		}
		count[string(match[1])]++
	}
	return count
}

// eachOnce fails the test unless there are want ids, each of them once.
func eachOnce(t *testing.T, got map[string]int, want int) {
	t.Helper()
	for id, n := range got {
		if n != 1 {
			t.Errorf("profile %s is there %d times", id, n)
		}
	}
	if len(got) != want {
		t.Errorf("%d different profiles, want %d", len(got), want)
	}
}

// padded is a profile of about size bytes. ######## becomes the number of the send.
func padded(size int) []byte {
	return fmt.Appendf(nil, `{"id":"########","pad":"%s"}`, bytes.Repeat([]byte{'x'}, max(0, size-28)))
}
