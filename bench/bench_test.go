package bench

import "testing"

func BenchmarkUpdate(b *testing.B) {
	job, _, _ := updateJob()
	b.ReportAllocs()
	for b.Loop() {
		if err := job.Update(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkUpdateFloor(b *testing.B) {
	_, client, url := updateJob()
	b.ReportAllocs()
	for b.Loop() {
		if err := bare(b.Context(), client, url); err != nil {
			b.Fatal(err)
		}
	}
}
