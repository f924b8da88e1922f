package where

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestParse_AcceptsEachProperty(t *testing.T) {
	for text, want := range map[string]string{
		`segment in (train-night, "val day")`:                 `segment in ["train-night","val day"]`,
		`sensor in (CAM_BACK)`:                                `sensor in ["CAM_BACK"]`,
		`category in (car, bus) on BOX2D`:                     `category in ["car","bus"] on BOX2D`,
		`category in (01) on box2d`:                           `category in ["01"] on BOX2D`,
		`attribute occluded in (true, 3, null, "3") on BOX2D`: `attribute in {"occluded":[true,3,null,"3"]} on BOX2D`,
		`size > 1MB`: `size > 1000000`,
		`attribute plate in (nan, Infinity, 007, 9007199254740993, -1.5) on BOX2D`: `attribute in {"plate":["nan","Infinity","007",9007199254740993,-1.5]} on BOX2D`,
		"segment in (cafe\u0301)":       "segment in [\"cafe\u0301\"]", // an accent of its own
		`size = 1.005kB`:                `size = 1005`,
		`size = 9007199254740993`:       `size = 9007199254740993`,
		`size>=2KiB`:                    `size >= 2048`,
		`size <= 1.5 kB`:                `size <= 1500`,
		`size < 3`:                      `size < 3`,
		`size = 0`:                      `size = 0`,
		`path like night/0`:             `keyword like "night/0"`,
		`path = "a (1).jpg"`:            `keyword = "a (1).jpg"`,
		`frame like 01EM`:               `frame like "01EM"`,
		`frame = 01EMFBJ`:               `frame = "01EMFBJ"`,
		`label = true`:                  `withLabel = true`,
		`  label=false `:                `withLabel = false`,
		`category in ("in") on POLYGON`: `category in ["in"] on POLYGON`,
	} {
		f, err := Parse(text)
		require.NoError(t, err, text)
		require.Equal(t, want, f.String(), text)
	}
}

func TestParse_NamesTheMistake(t *testing.T) {
	for text, want := range map[string]string{
		``:                            `want segment, sensor, category, attribute, size, path, frame or label, got the end`,
		`weight > 3`:                  `unknown property "weight": use segment`,
		`size > 1XB`:                  `unknown unit "XB": use B, kB, MB, GB, KiB, MiB or GiB`,
		`size > big`:                  `want a size, such as 1MB, got "big"`,
		`size > 9223372037GB`:         `not a whole number of bytes`,
		`size > 1.2.3`:                `"1.2.3" is not a number of bytes`,
		`size > 0.3`:                  `not a whole number of bytes`,
		`size like 3`:                 `want "=" or ">" or "<" or ">=" or "<=", got "like"`,
		`size >`:                      `want a size, such as 1MB, got the end`,
		`category in (car)`:           `want a label type, such as on BOX2D, got the end`,
		`category in car on BOX2D`:    `want "(", got "car"`,
		`category in () on BOX2D`:     `want a name, got ")"`,
		`category in (a b) on BOX2D`:  `want "," or ")", got "b"`,
		`category in (a`:              `want "," or ")", got the end`,
		`segment in (a) and size > 3`: `"and" is unexpected after the condition`,
		`segment in ("a)`:             `literal not terminated`,
		`label = maybe`:               `want true or false, got "maybe"`,
		`path ~ x`:                    `want "=" or "like", got "~"`,
	} {
		_, err := Parse(text)
		require.ErrorContains(t, err, want, text)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(`category in (car, "b") on BOX2D`)
	f.Add(`size >= 1.5 MiB`)
	f.Fuzz(func(t *testing.T, text string) {
		if filter, err := Parse(text); err == nil && filter.Key() == "" {
			t.Errorf("%q: no filter and no error", text)
		}
	})
}
