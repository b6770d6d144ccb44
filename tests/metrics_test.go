package tests

import (
	"math"
	"strings"
	"testing"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// metrics is what Prometheus' own parser made of a page.
type metrics map[string]*dto.MetricFamily

func parseMetrics(t *testing.T, page string) metrics {
	t.Helper()
	head, body, _ := strings.Cut(page, "\r\n\r\n")
	if !strings.Contains(strings.ToLower(head)+"\r\n", "\ncontent-type: text/plain; version=0.0.4; charset=utf-8\r\n") {
		t.Errorf("headers for Prometheus: %s", head)
	}
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(body))
	if err != nil {
		t.Fatalf("%v in\n%s", err, body)
	}
	for name, family := range families {
		isCounter := strings.HasSuffix(name, "_total")
		if family.GetHelp() == "" || isCounter != (family.GetType() == dto.MetricType_COUNTER) {
			t.Errorf("%s is a %v: %q", name, family.GetType(), family.GetHelp())
		}
	}
	return families
}

// value is one sample's: "name label=value label=value", with all its labels.
func (m metrics) value(t *testing.T, sample string) float64 {
	t.Helper()
	name, labels, _ := strings.Cut(sample, " ")
	for _, metric := range m[name].GetMetric() {
		if labelsOf(metric) == labels {
			return metric.GetCounter().GetValue() + metric.GetGauge().GetValue() // one of them is nil
		}
	}
	t.Fatalf("there is no %q but %v", sample, m[name])
	return 0
}

func (m metrics) want(t *testing.T, sample string, want float64) {
	t.Helper()
	if got := m.value(t, sample); got != want {
		t.Errorf("%s is %v, want %v", sample, got, want)
	}
}

func labelsOf(metric *dto.Metric) string {
	var all []string
	for _, label := range metric.GetLabel() {
		all = append(all, label.GetName()+"="+label.GetValue())
	}
	return strings.Join(all, " ")
}

// checkHistogram wants cumulative buckets in powers of two, the last of which has everything.
func (m metrics) checkHistogram(t *testing.T, name string, count int) {
	t.Helper()
	if m[name].GetType() != dto.MetricType_HISTOGRAM || len(m[name].GetMetric()) != 1 {
		t.Fatalf("%s: %v", name, m[name])
	}
	histogram := m[name].GetMetric()[0].GetHistogram()
	buckets := histogram.GetBucket()
	below, least, most := uint64(0), 0.0, 0.0
	for i, bucket := range buckets {
		bound := math.Ldexp(1e-6, i)
		if i == len(buckets)-1 {
			bound = math.Inf(1)
		}
		if got := bucket.GetUpperBound(); got != bound && math.Abs(got-bound) > 1e-9 {
			t.Errorf("bucket %d ends at %v, want %v", i, got, bound)
		}
		n := bucket.GetCumulativeCount()
		if n < below {
			t.Fatalf("bucket %d has %d calls, and the one before %d", i, n, below)
		}
		if n > below { // not 0 times infinity
			most += float64(n-below) * bound
			least += float64(n-below) * math.Ldexp(1e-6, i-1)
		}
		below = n
	}
	if below != uint64(count) || histogram.GetSampleCount() != uint64(count) {
		t.Errorf("%s: %d calls, +Inf %d, want %d", name, histogram.GetSampleCount(), below, count)
	}
	// What takes less than 1 us is 0 to the sum.
	least -= float64(buckets[0].GetCumulativeCount()) * 0.5e-6
	if sum := histogram.GetSampleSum(); sum < least-1e-9 || sum > most {
		t.Errorf("%s: a sum of %v s, and by the buckets it is %v to %v", name, sum, least, most)
	}
}
