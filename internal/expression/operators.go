package expression

import (
	"cmp"
	"errors"
	"fmt"
	"math"
)

// operate is what an operator makes of two values.
func (r *run) operate(operator string, left, right any) (any, error) {
	switch operator {
	case "==":
		return equal(left, right), nil
	case "!=":
		return !equal(left, right), nil
	case "<", ">", "<=", ">=":
		return r.compare(operator, left, right)
	case "+", "-", "*", "/", "%":
	default:
		return nil, fmt.Errorf("there is no operator '%s'", operator)
	}
	x, first := number(left)
	y, second := number(right)
	switch {
	case first && second:
		return arithmetic(operator, x, y)
	case operator == "+":
		return r.concat(left, right)
	case first:
		return nil, needsNumber(operator, right)
	}
	return nil, needsNumber(operator, left)
}

func arithmetic(operator string, x, y float64) (any, error) {
	switch operator {
	case "+":
		x += y
	case "-":
		x -= y
	case "*":
		x *= y
	default:
		if y == 0 {
			return nil, errors.New("a number cannot be divided by 0")
		}
		if operator == "%" {
			x = math.Mod(x, y)
		} else {
			x /= y
		}
	}
	if math.IsInf(x, 0) || math.IsNaN(x) {
		return nil, errors.New("the number becomes too large")
	}
	return x, nil
}

// concat is a + b where one of them is no number.
func (r *run) concat(left, right any) (any, error) {
	a, err := r.text(left)
	if err != nil {
		return nil, err
	}
	b, err := r.text(right)
	if err != nil {
		return nil, err
	}
	if len(a)+len(b) > maxOutput {
		return nil, errTooLong
	}
	return a + b, nil
}

// equal compares two values. A number and a text that is one are equal when the
// numbers are, true is equal to "true", and null to an empty text. Lists and
// objects are equal to nothing.
func equal(left, right any) bool {
	if isNumber(left) || isNumber(right) {
		x, first := number(left)
		y, second := number(right)
		return first && second && x == y
	}
	a, first := scalar(left)
	b, second := scalar(right)
	return first && second && a == b
}

// compare orders numbers, also those that are text, by their size and other texts
// by their characters.
func (r *run) compare(operator string, left, right any) (any, error) {
	var order int
	x, first := number(left)
	y, second := number(right)
	if first && second {
		order = cmp.Compare(x, y)
	} else {
		a, first := scalar(left)
		b, second := scalar(right)
		if !first || !second {
			return nil, fmt.Errorf("'%s' compares numbers or texts, not lists and objects", operator)
		}
		order = cmp.Compare(a, b)
	}
	switch operator {
	case "<":
		return order < 0, nil
	case ">":
		return order > 0, nil
	case "<=":
		return order <= 0, nil
	}
	return order >= 0, nil
}

func needsNumber(what string, v any) error {
	return fmt.Errorf("'%s' needs numbers and got %s", what, kind(v))
}
