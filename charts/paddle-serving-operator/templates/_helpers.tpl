{{/* Name of the chart, 63 characters at most. */}}
{{- define "paddle-serving-operator.name" -}}
{{- .Values.nameOverride | default .Chart.Name | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{/* Name of the objects: the release's name alone where it already says what this is. */}}
{{- define "paddle-serving-operator.fullname" -}}
{{- $name := include "paddle-serving-operator.name" . -}}
{{- $full := ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) -}}
{{- .Values.fullnameOverride | default $full | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{/* Labels by which the Deployment finds its pods. They can never change. */}}
{{- define "paddle-serving-operator.selectorLabels" -}}
app.kubernetes.io/name: {{ include "paddle-serving-operator.name" . | quote }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end -}}

{{/* Labels of every object. */}}
{{- define "paddle-serving-operator.labels" -}}
{{ include "paddle-serving-operator.selectorLabels" . }}
{{ include "paddle-serving-operator.commonLabels" . }}
{{- end -}}

{{/* Labels of the `helm test` objects: not the selector's, so that no Deployment takes the test's pod for its own. */}}
{{- define "paddle-serving-operator.testLabels" -}}
app.kubernetes.io/name: {{ include "paddle-serving-operator.name" . | trunc 58 | trimSuffix "-" }}-test
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{ include "paddle-serving-operator.commonLabels" . }}
{{- end -}}

{{- define "paddle-serving-operator.commonLabels" -}}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/component: operator
app.kubernetes.io/part-of: paddle-serving
app.kubernetes.io/managed-by: {{ .Release.Service | quote }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{/* Name of the account that the operator runs as. */}}
{{- define "paddle-serving-operator.serviceAccountName" -}}
{{- $default := ternary (include "paddle-serving-operator.fullname" .) "default" .Values.serviceAccount.create -}}
{{- .Values.serviceAccount.name | default $default -}}
{{- end -}}

{{/*
Reference of an image, given (dict "image" <values> "root" $): the digest wins over the tag, the tag over the chart's appVersion
(with the image's variant). The image's own registry wins over the chart's.
*/}}
{{- define "paddle-serving-operator.image" -}}
{{- $version := .root.Chart.AppVersion -}}
{{- with .image.variant -}}{{- $version = printf "%s-%s" $version . -}}{{- end -}}
{{- $repository := .image.repository -}}
{{- with .image.registry | default .root.Values.imageRegistry -}}{{- $repository = printf "%s/%s" (trimSuffix "/" .) $repository -}}{{- end -}}
{{- if .image.digest -}}
{{- printf "%s@%s" $repository .image.digest -}}
{{- else -}}
{{- printf "%s:%s" $repository (.image.tag | default $version) -}}
{{- end -}}
{{- end -}}

{{/* Namespaces that are watched, comma-separated; empty for the whole cluster. */}}
{{- define "paddle-serving-operator.watchNamespaces" -}}
{{- if eq .Values.rbac.scope "Namespaced" -}}
{{- .Values.watchNamespaces | default (list .Release.Namespace) | uniq | join "," -}}
{{- end -}}
{{- end -}}

{{/* Security context of every container of this chart, as the Pod Security Standard "restricted" asks. */}}
{{- define "paddle-serving-operator.containerSecurityContext" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end -}}

{{/* Security context of every pod of this chart. */}}
{{- define "paddle-serving-operator.podSecurityContext" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{/* Resources with every quantity as text: `--set` makes numbers of them, and a values file makes 1e+09 of a large one. YAML text. */}}
{{- define "paddle-serving-operator.resources" -}}
{{- $resources := dict -}}
{{- range $kind, $quantities := . -}}
{{- $texts := dict -}}
{{- range $name, $quantity := $quantities -}}
{{- $whole := and (kindIs "float64" $quantity) (eq (floor $quantity) $quantity) -}}
{{- $_ := set $texts $name (ternary (printf "%.0f" (float64 $quantity)) (toString $quantity) $whole) -}}
{{- end -}}
{{- $_ := set $resources $kind $texts -}}
{{- end -}}
{{- toYaml $resources -}}
{{- end -}}
