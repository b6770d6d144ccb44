package tests

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// A library that was not built by build.sh works, and the doctor and transmit_stats say what its hosts
// are in danger of.
func TestBuild_WrongOneIsReported(t *testing.T) {
	need(t, "php", "php-cli")
	script := "-linkmode=external -extldflags '-Wl,-T," + root + "/door/export.ld -Wl,--version-script=" + root + "/door/export.map'"
	for _, test := range []struct {
		name, ldflags, state, doctor string
	}{
		{"build.sh", "", "runs", "ok   library"},
		{"without the overlay", script, "unprotected", "built without the changes to Go"},
		{"without the linker script", "-s", "started at load", "built without door/export.ld"},
	} {
		t.Run(test.name, func(t *testing.T) {
			library := stage + "/build/libtransmit.so"
			if test.ldflags != "" {
				library = t.TempDir() + "/libtransmit.so"
				goBuild(t, library, test.ldflags)
			}
			s := newScene(t)
			listen(t, s.socket)
			config := s.write(t, "config.php", fmt.Sprintf(
				`<?php function get_profiling_config(): array { return ['library' => '%s', 'listener_socket' => '%s', 'buffer_dirs' => ['%s']]; }`,
				library, s.socket, s.buffer))
			said, _ := exec.Command("php", "-d", "ffi.enable=1", root+"/php/doctor.php", "--config", config).CombinedOutput()
			if !strings.Contains(string(said), test.doctor) {
				t.Errorf("the doctor says\n%swant %q", said, test.doctor)
			}
			code := fmt.Sprintf(`require '%s'; require '%s/php/transmitter.php'; 
				for ($i = 0; $i < 20 && (get_transmit_stats()['go'] ?? '') !== $argv[1]; $i++) { write_to_disk_buffer('{}'); } // may be late
				echo get_transmit_stats()['go'];`, config, root)
			out, err := exec.Command("php", "-d", "ffi.enable=1", "-r", code, test.state).Output()
			if string(out) != test.state {
				t.Errorf("transmit_stats says %q, %v; want %q", out, err, test.state)
			}
		})
	}
}

// goBuild links the library without build.sh.
func goBuild(t *testing.T, library, ldflags string) {
	t.Helper()
	build := exec.Command(need(t, "go", "golang"), "build", "-buildmode=c-shared", "-trimpath", "-buildvcs=false", "-ldflags", ldflags, "-o", library, ".")
	build.Dir = root
	build.Env = append(os.Environ(), "CGO_ENABLED=1", "CGO_CFLAGS=-O2")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}
