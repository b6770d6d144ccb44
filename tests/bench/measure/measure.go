// Package measure runs measuring programs and keeps what they print. The package
// comment of tests/bench says what that is.
package measure

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// Rows is what was measured, in any order.
type Rows struct {
	samples map[key][]float64
	whyNot  map[string]string // by row
}

type key struct{ row, way string }

// Samples returns what a way took; nothing if it was not measured.
func (r *Rows) Samples(row, way string) []float64 { return r.samples[key{row, way}] }

// Why returns why a row was not measured, as ": why", or "".
func (r *Rows) Why(row string) string { return r.whyNot[row] }

// All calls f for each way of each row, in the order of their names.
func (r *Rows) All(f func(row, way string, samples []float64)) {
	keys := make([]key, 0, len(r.samples))
	for k := range r.samples {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b key) int {
		return strings.Compare(a.row+"\t"+a.way, b.row+"\t"+b.way)
	})
	for _, k := range keys {
		f(k.row, k.way, r.samples[k])
	}
}

// Quantile returns the sample below which the share q lies.
func Quantile(samples []float64, q float64) float64 {
	sorted := slices.Sorted(slices.Values(samples))
	return sorted[min(int(q*float64(len(sorted))), len(sorted)-1)]
}

func (r *Rows) add(row, way string, numbers ...string) error {
	for _, number := range numbers {
		n, err := strconv.ParseFloat(number, 64)
		if err != nil {
			return fmt.Errorf("%s %s: %w", row, way, err)
		}
		r.samples[key{row, way}] = append(r.samples[key{row, way}], n)
	}
	return nil
}

// line takes a line of a measuring program.
func (r *Rows) line(line string) error {
	fields := strings.Split(line, "\t")
	switch {
	case line == "":
	case line[0] == '#':
		fmt.Println(line)
	case len(fields) < 3:
		return fmt.Errorf("no row, way and number: %q", line)
	case fields[1] == "-":
		r.whyNot[fields[0]] = ": " + fields[2]
	default:
		return r.add(fields[0], fields[1], fields[2:]...)
	}
	return nil
}

// benchmark takes a line of a Go benchmark: after its name, numbers and units.
// Those of units "ns/row/way" are meant for us.
func (r *Rows) benchmark(line string) error {
	fields := strings.Fields(line)
	for i := 2; i+1 < len(fields); i += 2 {
		if unit := strings.Split(fields[i+1], "/"); len(unit) == 3 && unit[0] == "ns" {
			if err := r.add(unit[1], unit[2], fields[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

// A Bench runs programs from the root of the checkout.
type Bench struct {
	Root   string
	Folder string // empty, and in memory if that can be: a disk takes many times as long for a file, whoever makes it
	Rows   *Rows

	place  string // where each program gets its folder
	prefix string // of the names of the rows
}

// New makes a folder, which Close removes, and compiles what is in C.
func New() (*Bench, error) {
	root, err := filepath.Abs("../..")
	if err != nil {
		return nil, err
	}
	parent := "/dev/shm"
	if os.WriteFile(parent+"/.transmit-bench", nil, 0o600) != nil || os.Remove(parent+"/.transmit-bench") != nil {
		parent = ""
	}
	folder, err := os.MkdirTemp(parent, "bench")
	if err != nil {
		return nil, err
	}
	os.Chmod(folder, 0o755) // php-fpm's workers are another user
	b := &Bench{Root: root, Folder: folder, place: folder,
		Rows: &Rows{samples: map[key][]float64{}, whyNot: map[string]string{}}}
	_, err = b.run("gcc", "-O2", "-Iinclude", "tests/bench/c/bench.c", "tests/bench/c/rows.c", "tests/bench/c/first.c",
		"tests/bench/c/least.c", "tests/bench/c/journal.c",
		"-Lbuild", "-ltransmit", "-ldl",
		"-Wl,-rpath,"+root+"/build", "-o", folder+"/bench")
	syscall.Sync() // pages of a library that was just built would count as private memory: they are dirty
	return b, err
}

// Close removes the folder.
func (b *Bench) Close() { os.RemoveAll(b.Folder) }

// OnInterrupt lets the program that is measured die, and then ends as after any failure.
func OnInterrupt() { signal.Notify(make(chan os.Signal, 1), os.Interrupt) }

// C runs rows of bench.c, or all.
func (b *Bench) C(rows ...string) error {
	return b.measure(func(folder string) []string {
		return append([]string{b.Folder + "/bench", folder}, rows...)
	})
}

// PHP runs rows of bench.php, or all.
func (b *Bench) PHP(rows ...string) error {
	return b.measure(func(folder string) []string {
		return append([]string{"php", "-d", "ffi.enable=1", "-d", "opcache.enable_cli=1",
			"-d", "opcache.file_update_protection=0", "tests/bench/bench.php", folder}, rows...)
	})
}

// Peers runs peers.php, with a disk that is slow on demand where there can be one.
func (b *Bench) Peers() error {
	return b.measure(func(folder string) []string {
		command := []string{"php", "-d", "ffi.enable=1", "-d", "opcache.enable_cli=1",
			"-d", "opcache.file_update_protection=0", "tests/bench/peers.php", folder}
		if _, err := os.Stat("/dev/fuse"); err != nil || os.Geteuid() != 0 {
			return command
		}
		if _, err := b.run("go", "-C", "tests", "build", "-o", b.Folder+"/disk", "./disk"); err != nil {
			return command
		}
		return append(command, b.Folder+"/disk")
	})
}

// OnDisk runs the rows that write files once more, on a disk. Their names begin with "real-".
func (b *Bench) OnDisk() error {
	onDisk := *b
	onDisk.place, onDisk.prefix = "/var/tmp", "real-"
	var status syscall.Statfs_t
	const tmpfs = 0x01021994
	if err := syscall.Statfs(onDisk.place, &status); err != nil || status.Type == tmpfs {
		for _, row := range []string{"c-disk", "disk", "disk-2ms", "disk-no-wait"} {
			b.Rows.whyNot[onDisk.prefix+row] = ": " + onDisk.place + " is not on a disk"
		}
		return err
	}
	if err := onDisk.C("disk"); err != nil {
		return err
	}
	return onDisk.PHP("disk")
}

// FPM runs fpm.sh.
func (b *Bench) FPM(turns int) error {
	return b.measure(func(folder string) []string {
		return []string{"tests/bench/fpm/fpm.sh", folder, strconv.Itoa(turns)}
	})
}

// Go runs one benchmark of a package, so many calls of it.
func (b *Bench) Go(pkg, name string, calls int) error {
	out, err := b.run("go", "test", "-run", "^$", "-bench", "^"+name+"$", "-benchtime", strconv.Itoa(calls)+"x", pkg)
	return b.take(out, err, func(line string) error {
		if strings.HasPrefix(line, "Benchmark") {
			return b.Rows.benchmark(line)
		}
		return nil
	})
}

func (b *Bench) measure(command func(folder string) []string) error {
	folder, err := os.MkdirTemp(b.place, "bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	os.Chmod(folder, 0o755) // php-fpm's workers are another user
	out, err := b.run(command(folder)...)
	return b.take(out, err, func(line string) error {
		if line != "" && line[0] != '#' {
			line = b.prefix + line
		}
		return b.Rows.line(line)
	})
}

func (b *Bench) run(command ...string) ([]byte, error) {
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Dir = b.Root
	cmd.Stderr = os.Stderr
	cmd.Env = append(os.Environ(), "TRANSMIT_LIBRARY="+b.Root+"/build/libtransmit.so",
		"BENCH_PHP="+b.Root+"/php", "BENCH_REFERENCE="+b.reference(), "BUFFER_BENCH_DIR="+b.Folder)
	out, err := cmd.Output()
	if err != nil {
		err = fmt.Errorf("%s: %w", strings.Join(command[:min(len(command), 12)], " "), err)
	}
	return out, err
}

// reference is the transmitter to compare with; "" for the one of our own.
func (b *Bench) reference() string {
	path, isSet := os.LookupEnv("BENCH_REFERENCE")
	if !isSet {
		path = filepath.Join(b.Root, "../shared/reference/transmitter.php")
		if _, err := os.Stat(path); err != nil {
			return ""
		}
	}
	return path
}

func (b *Bench) take(out []byte, err error, line func(string) error) error {
	if err != nil {
		os.Stderr.Write(out)
		return err
	}
	for text := range bytes.Lines(out) {
		if err := line(strings.TrimRight(string(text), "\n")); err != nil {
			return err
		}
	}
	return nil
}
