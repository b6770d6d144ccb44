package tests

import (
	"image"
	"image/color"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// browser is a headless Chromium, which is started for each view of a page.
type browser struct {
	t   *testing.T
	dir string
	url string
}

func (b browser) run(options ...string) string {
	b.t.Helper()
	home, err := os.MkdirTemp(b.dir, "chromium")
	check(b.t, err)
	// It makes no requests of its own.
	args := append([]string{"--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
		"--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
		"--hide-scrollbars", "--user-data-dir=" + home}, options...)
	cmd := exec.Command(need(b.t, "chromium", "chromium"), append(args, b.url)...)
	cmd.Env = append(os.Environ(), "HOME="+home, "XDG_CONFIG_HOME="+home, "XDG_CACHE_HOME="+home)
	return succeed(b.t, time.Minute, cmd)
}

// document is what the browser made of the page.
func (b browser) document() string { return b.run("--dump-dom") }

// picture is the page as it is drawn; TRANSMIT_SCREENSHOTS names a folder that keeps it.
func (b browser) picture(name, size string, options ...string) image.Image {
	b.t.Helper()
	path := filepath.Join(env("TRANSMIT_SCREENSHOTS", b.dir), name+".png")
	b.run(append(options, "--window-size="+size, "--screenshot="+path)...)
	file, err := os.Open(path)
	check(b.t, err)
	defer file.Close()
	drawn, err := png.Decode(file)
	check(b.t, err)
	return drawn
}

// area is how many of a picture's pixels have that colour.
func area(picture image.Image, of color.Color) (pixels int) {
	size := picture.Bounds()
	for y := size.Min.Y; y < size.Max.Y; y++ {
		for x := size.Min.X; x < size.Max.X; x++ {
			if color.RGBAModel.Convert(picture.At(x, y)) == of {
				pixels++
			}
		}
	}
	return pixels
}

// A person sees the counters: through nginx and php-fpm, in a real browser, wide, narrow and dark.
func TestStatus_InABrowser(t *testing.T) {
	s := newScene(t)
	f := startStatusFPM(t, s, recipes[0], 2)
	want := f.sendSome(t)
	nginx := startNginx(t, f.fpm, "php/status.php")
	b := browser{t: t, dir: s.dir, url: nginx.url + without}

	document := b.document()
	got := shown(t, document)
	for _, name := range []string{"sent", "lost", "refused", "shrunk", "replayed"} {
		if got[name] != want[name] {
			t.Errorf("the document has %s %d, want %d", name, got[name], want[name])
		}
	}
	if strings.Count(document, `<td class="bar"><i `) < 3 {
		t.Errorf("no bars in\n%s", document)
	}
	white, black := color.RGBA{255, 255, 255, 255}, color.RGBA{0x17, 0x1b, 0x22, 255}
	blue, lightBlue := color.RGBA{0x2f, 0x6f, 0xdb, 255}, color.RGBA{0x5b, 0x9b, 0xff, 255}
	for _, look := range []struct {
		name, size    string
		width, height int
		card, bar     color.RGBA
		options       []string
	}{
		{"wide", "1280,1400", 1280, 1400, white, blue, nil},
		{"narrow", "500,2600", 500, 2600, white, blue, nil},
		{"dark", "1280,1400", 1280, 1400, black, lightBlue, []string{"--blink-settings=preferredColorScheme=0"}},
	} {
		picture := b.picture(look.name, look.size, look.options...)
		if size := picture.Bounds().Size(); size != image.Pt(look.width, look.height) {
			t.Errorf("%s: %v", look.name, size)
		}
		cards, bars := area(picture, look.card), area(picture, look.bar)
		if cards < look.width*look.height/4 || bars < 1000 {
			t.Errorf("%s: %d pixels of cards and %d of bars", look.name, cards, bars)
		}
		t.Logf("%s: %d pixels of cards, %d of bars", look.name, cards, bars)
	}
}
