{{/*
What Kubernetes refuses and no schema can say, told before anything is applied. Both charts have the same file but for the
prefix. `path` is the value to name, for people.
*/}}

{{/* A quantity as a number. */}}
{{- define "paddle-serving.amount" -}}
{{- if kindIs "string" . -}}
{{- $factors := dict "m" 0.001 "k" 1e3 "M" 1e6 "G" 1e9 "T" 1e12 "Ki" 1024.0 "Mi" 1048576.0 "Gi" 1073741824.0 "Ti" 1099511627776.0 -}}
{{- mulf (regexFind "^[0-9.]+" . | float64) (index $factors (regexFind "[A-Za-z]*$" .) | default 1.0) -}}
{{- else -}}
{{- float64 . -}}
{{- end -}}
{{- end -}}

{{/* No request above its limit, and for what a device plugin brings the same. Given (dict "path" <path> "resources" <map>). */}}
{{- define "paddle-serving.validateRequests" -}}
{{- $path := .path -}}
{{- $limits := .resources.limits | default dict -}}
{{- range $name, $request := .resources.requests -}}
{{- $limit := index $limits $name -}}
{{- if and $request $limit -}}
{{- $asked := include "paddle-serving.amount" $request | float64 -}}
{{- $most := include "paddle-serving.amount" $limit | float64 -}}
{{- if gt $asked $most -}}
{{- fail (printf "charts/paddle-serving: `%s.requests.%s` is %v, more than `%s.limits.%s`, which is %v. Lower the request, or raise the limit." $path $name $request $path $name $limit) -}}
{{- end -}}
{{- if and (contains "/" $name) (ne $asked $most) -}}
{{- fail (printf "charts/paddle-serving: `%s.requests.%s` is %v and `%s.limits.%s` is %v, and of such a resource Kubernetes gives what is asked for, no more. Make them equal, or leave the request out." $path $name $request $path $name $limit) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Given (dict "path" <path> "tolerations" <list>). */}}
{{- define "paddle-serving.validateTolerations" -}}
{{- $path := .path -}}
{{- range $index, $toleration := .tolerations -}}
{{- $exists := eq (.operator | default "Equal") "Exists" -}}
{{- if and $exists .value -}}
{{- fail (printf "charts/paddle-serving: `%s[%d]` has operator Exists and the value %s, which belongs to Equal. Remove the value, or change the operator." $path $index .value) -}}
{{- end -}}
{{- if and (not .key) (not $exists) -}}
{{- fail (printf "charts/paddle-serving: `%s[%d]` has no key. Give one, or operator Exists, which tolerates every taint." $path $index) -}}
{{- end -}}
{{- if and (hasKey . "tolerationSeconds") (ne (.effect | default "") "NoExecute") -}}
{{- fail (printf "charts/paddle-serving: `%s[%d]` has tolerationSeconds, which belong to effect NoExecute. Remove them, or change the effect." $path $index) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Expressions of selectors, at any depth. Given (dict "path" <path> "node" <any value>). */}}
{{- define "paddle-serving.validateExpressions" -}}
{{- $path := .path -}}
{{- if kindIs "slice" .node -}}
{{- range $index, $item := .node -}}
{{- include "paddle-serving.validateExpressions" (dict "path" (printf "%s[%d]" $path $index) "node" $item) -}}
{{- end -}}
{{- else if kindIs "map" .node -}}
{{- if and (hasKey .node "operator") (hasKey .node "key") -}}
{{- $given := len (.node.values | default list) -}}
{{- if and (has .node.operator (list "In" "NotIn")) (eq $given 0) -}}
{{- fail (printf "charts/paddle-serving: `%s` has operator %s and no values. Give `values`, or use Exists or DoesNotExist." $path .node.operator) -}}
{{- else if and (has .node.operator (list "Exists" "DoesNotExist")) $given -}}
{{- fail (printf "charts/paddle-serving: `%s` has operator %s and values, which belong to In and NotIn. Remove them, or change the operator." $path .node.operator) -}}
{{- else if and (has .node.operator (list "Gt" "Lt")) (not (and (eq $given 1) (regexMatch "^-?[0-9]+$" (first (.node.values | default (list "")))))) -}}
{{- fail (printf "charts/paddle-serving: `%s` has operator %s, which compares with one whole number. Give it in `values`." $path .node.operator) -}}
{{- end -}}
{{- end -}}
{{- range $key, $value := .node -}}
{{- include "paddle-serving.validateExpressions" (dict "path" (printf "%s.%s" $path $key) "node" $value) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Given (dict "path" <path> "peers" <list>), as in a NetworkPolicy. */}}
{{- define "paddle-serving.validatePeers" -}}
{{- $path := .path -}}
{{- range $index, $peer := .peers -}}
{{- if and .ipBlock (or (hasKey . "podSelector") (hasKey . "namespaceSelector")) -}}
{{- fail (printf "charts/paddle-serving: `%s[%d]` has an ipBlock and a selector. Give each an entry of its own: addresses, or pods of the cluster." $path $index) -}}
{{- end -}}
{{- end -}}
{{- include "paddle-serving.validateExpressions" (dict "path" .path "node" .peers) -}}
{{- end -}}

{{/* Given (dict "path" <path> "env" <list>). */}}
{{- define "paddle-serving.validateEnv" -}}
{{- $path := .path -}}
{{- $names := list -}}
{{- range .env -}}
{{- if has .name $names -}}
{{- fail (printf "charts/paddle-serving: `%s` gives %s twice. Keep one." $path .name) -}}
{{- end -}}
{{- if and .value .valueFrom -}}
{{- fail (printf "charts/paddle-serving: `%s` gives %s a value and a valueFrom. Keep one." $path .name) -}}
{{- end -}}
{{- $names = append $names .name -}}
{{- end -}}
{{- end -}}
