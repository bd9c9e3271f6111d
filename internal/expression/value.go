package expression

import (
	"bytes"
	"encoding/json"
	"math"
	"strconv"
	"strings"
)

// True tells whether a condition holds: false, null, 0 and texts that say so or
// are empty do not (section 22 of the contract).
func True(v any) bool {
	if isNumber(v) {
		x, ok := number(v)
		return !ok || x != 0
	}
	s, ok := scalar(v)
	s = strings.TrimSpace(s)
	return !ok || s != "" && s != "0" && !strings.EqualFold(s, "false")
}

// Number writes a number as people do: 0.1+0.2 is 0.3.
func Number(x float64) string {
	if y, err := strconv.ParseFloat(strconv.FormatFloat(x, 'g', 15, 64), 64); err == nil {
		x = y
	}
	if x == 0 {
		return "0" // also when it is -0
	}
	return strconv.FormatFloat(x, 'f', -1, 64)
}

func isNumber(v any) bool {
	switch v.(type) {
	case float64, json.Number:
		return true
	}
	return false
}

// number is a value as a number, which may also be a text. Longer texts than any
// number needs are none.
func number(v any) (float64, bool) {
	var s string
	switch v := v.(type) {
	case float64:
		return v, true
	case json.Number:
		s = v.String()
	case string:
		s = strings.TrimSpace(v)
	}
	if s == "" || len(s) > 64 || strings.Trim(s, "0123456789+-.eE") != "" {
		return 0, false
	}
	x, err := strconv.ParseFloat(s, 64)
	return x, err == nil && !math.IsInf(x, 0)
}

// scalar is the text of what is no list and no object; null has none.
func scalar(v any) (string, bool) {
	switch v := v.(type) {
	case nil:
		return "", true
	case string:
		return v, true
	case bool:
		return strconv.FormatBool(v), true
	case json.Number:
		return v.String(), true
	case float64:
		return Number(v), true
	}
	return "", false
}

// text is a value inside of a longer text; lists and objects are written as JSON.
func (r *run) text(v any) (string, error) {
	if s, ok := scalar(v); ok {
		if len(s) > maxOutput {
			return "", errTooLong
		}
		return s, r.pay(len(s) / 64)
	}
	n := size(v, maxOutput)
	if err := r.pay(n / 8); err != nil {
		return "", err
	}
	if n > maxOutput {
		return "", errTooLong
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil || b.Len() > maxOutput {
		return "", errTooLong
	}
	return strings.TrimSuffix(b.String(), "\n"), nil
}

// size is about how long a value is as JSON, counted until it is more than most.
func size(v any, most int) int {
	n := 1
	switch v := v.(type) {
	case []any:
		for i := 0; i < len(v) && n <= most; i++ {
			n += size(v[i], most-n)
		}
	case map[string]any:
		for key, item := range v {
			if n += len(key) + size(item, most-n); n > most {
				break
			}
		}
	default:
		s, _ := scalar(v)
		n += len(s)
	}
	return n
}

// kind is what messages call a value, without showing it.
func kind(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case bool:
		return "true or false"
	case string:
		if v == "" {
			return "an empty text"
		}
		return "a text"
	case []any:
		return "a list"
	case map[string]any:
		return "an object"
	}
	return "a number"
}
