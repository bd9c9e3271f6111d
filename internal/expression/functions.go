package expression

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/expr-lang/expr/ast"
)

// The functions of the language (section 22 of the contract): of one number, of
// numbers, and of one text.
var (
	ofNumber  = map[string]func(float64) float64{"ceil": math.Ceil, "floor": math.Floor, "round": math.Round, "abs": math.Abs}
	ofNumbers = map[string]func([]float64) float64{"min": slices.Min[[]float64], "max": slices.Max[[]float64]}
	ofText    = map[string]func(string) any{
		"upper":  func(s string) any { return strings.ToUpper(s) },
		"lower":  func(s string) any { return strings.ToLower(s) },
		"len":    func(s string) any { return float64(utf8.RuneCountInString(s)) },
		"length": func(s string) any { return float64(utf8.RuneCountInString(s)) },
	}
)

func unknownFunction(name string) error {
	return fmt.Errorf("there is no function '%.40s'; there are min, max, ceil, floor, round, abs, len, length, upper and lower", name)
}

func (r *run) call(n *ast.CallNode) (any, error) {
	at := n.Location().From
	callee, ok := n.Callee.(*ast.IdentifierNode)
	if !ok {
		return nil, r.refuse(at, errors.New("values have no functions of their own"))
	}
	args := make([]any, len(n.Arguments))
	for i, a := range n.Arguments {
		v, err := r.eval(a)
		if err != nil {
			return nil, err
		}
		args[i] = v
	}
	v, err := r.apply(callee.Value, args)
	if err != nil {
		return nil, r.refuse(at, err)
	}
	return v, nil
}

// apply is what a function makes of its arguments.
func (r *run) apply(name string, args []any) (any, error) {
	one, many, text := ofNumber[name], ofNumbers[name], ofText[name]
	switch {
	case one == nil && many == nil && text == nil:
		return nil, unknownFunction(name)
	case len(args) == 0 || many == nil && len(args) > 1:
		return nil, fmt.Errorf("'%s' needs %s", name, map[bool]string{true: "at least one number", false: "one value"}[many != nil])
	case text != nil:
		return r.applyText(name, text, args[0])
	}
	numbers := make([]float64, len(args))
	for i, v := range args {
		x, ok := number(v)
		if !ok {
			return nil, needsNumber(name, v)
		}
		numbers[i] = x
	}
	if one != nil {
		return one(numbers[0]), nil
	}
	return many(numbers), nil
}

// applyText also counts the items of lists and objects.
func (r *run) applyText(name string, do func(string) any, v any) (any, error) {
	if strings.HasPrefix(name, "len") {
		switch v := v.(type) {
		case []any:
			return float64(len(v)), nil
		case map[string]any:
			return float64(len(v)), nil
		}
	}
	s, err := r.text(v)
	if err == nil {
		err = r.pay(len(s) / 8) // letters are changed one by one
	}
	if err != nil {
		return nil, err
	}
	v = do(s)
	if s, _ := v.(string); len(s) > maxOutput {
		return nil, errTooLong
	}
	return v, nil
}
