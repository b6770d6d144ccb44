package main

import (
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/plotutil"
	"gonum.org/v1/plot/vg"

	"libtransmit/tests/bench/measure"
)

// A curve is one way's line in a plot.
type curve struct {
	name   string
	points plotter.XYs
}

func plotAll(folder string, rows *measure.Rows) error {
	for name, p := range map[string]*plot.Plot{
		"size":   bySize(rows),
		"wedged": distribution(rows, "wedged-call", "A listener that does not read: what a call takes"),
		"dead":   distribution(rows, "disk", "No listener: what a call takes"),
		"buffer": byFiles(rows),
	} {
		if err := p.Save(16*vg.Centimeter, 9*vg.Centimeter, filepath.Join(folder, name+".svg")); err != nil {
			return err
		}
	}
	return nil
}

func newPlot(title, x, y string, curves []curve) *plot.Plot {
	p := plot.New()
	p.Title.Text, p.X.Label.Text, p.Y.Label.Text = title, x, y
	p.Legend.Top, p.Legend.Left = true, true
	p.Add(plotter.NewGrid())
	for i, c := range curves {
		line, points, err := plotter.NewLinePoints(c.points)
		if err != nil { // nothing was measured, or a number is none
			continue
		}
		line.Color, points.Color = plotutil.Color(i), plotutil.Color(i)
		line.Width = vg.Points(1.5)
		points.Shape, points.Radius = plotutil.Shape(i), vg.Points(2)
		p.Add(line)
		if len(c.points) < 20 {
			p.Add(points)
		}
		p.Legend.Add(c.name, line)
	}
	return p
}

func logarithmic(axis *plot.Axis) {
	axis.Scale, axis.Tick.Marker = plot.LogScale{}, plot.LogTicks{Prec: -1}
}

// bySize has a curve for each way of the rows send-N.
func bySize(rows *measure.Rows) *plot.Plot {
	points := map[string]plotter.XYs{}
	rows.All(func(row, way string, samples []float64) {
		if bytes, err := strconv.Atoi(strings.TrimPrefix(row, "send-")); err == nil {
			points[way] = append(points[way], plotter.XY{X: float64(bytes), Y: measure.Quantile(samples, 0.5) / 1e3})
		}
	})
	var curves []curve
	for _, way := range []struct{ way, name string }{
		{"send", "send(2)"}, {"trusted", "TRANSMIT_TRUSTED"}, {"checked", "transmit_send"}, {"journal", "sd_journal_send"},
	} {
		slices.SortFunc(points[way.way], func(a, b plotter.XY) int { return int(a.X - b.X) })
		curves = append(curves, curve{way.name, points[way.way]})
	}
	p := newPlot("A call by the size of its payload", "bytes", "µs, median", curves)
	logarithmic(&p.X)
	logarithmic(&p.Y)
	return p
}

// distribution shows the share of calls that took no longer than a time.
func distribution(rows *measure.Rows, row, title string) *plot.Plot {
	var curves []curve
	for _, way := range []struct{ way, name string }{
		{"native", "native"}, {"plain", "plain PHP"}, {"reference", "pure-PHP transmitter"},
	} {
		samples := rows.Samples(row, way.way)
		if len(samples) == 0 {
			continue
		}
		var points plotter.XYs
		const steps = 200
		for i := range steps + 1 {
			share := float64(i) / steps
			points = append(points, plotter.XY{X: measure.Quantile(samples, share) / 1e3, Y: 100 * share})
		}
		curves = append(curves, curve{fmt.Sprintf("%s (%d calls)", way.name, len(samples)), points})
	}
	p := newPlot(title, "µs", "% of calls took no longer", curves)
	p.Legend.Top, p.Legend.Left, p.Legend.XOffs = false, false, -vg.Points(30) // room for wider letters
	logarithmic(&p.X)
	return p
}

// byFiles has one point for each directory.
func byFiles(rows *measure.Rows) *plot.Plot {
	var points plotter.XYs
	for _, files := range []int{0, 1000, 10_000, 100_000} {
		if samples := rows.Samples("buffer", strconv.Itoa(files)); len(samples) > 0 {
			points = append(points, plotter.XY{X: float64(files), Y: measure.Quantile(samples, 0.5) / 1e3})
		}
	}
	p := newPlot("A write of 4 KB by what lies in the buffer", "files", "µs, median", []curve{{"buffer.Write", points}})
	p.Y.Min = 0
	return p
}
