/** All points in one program: a layer says how they look. */
export const VERTEX = `#version 300 es
precision highp float;
precision highp int;
layout(location = 0) in vec2 a_xy;
layout(location = 1) in float a_value;
layout(location = 2) in float a_born;
uniform vec2 u_scale, u_shift, u_domain;
uniform vec4 u_grid;
uniform float u_dpr, u_k, u_zoom, u_now, u_area, u_disc;
uniform int u_layer;
uniform bool u_number, u_dark;
uniform vec3 u_ground, u_ghost, u_zero, u_notRun, u_backdrop;
uniform sampler2D u_density, u_palette, u_ramp;
flat out vec4 v_color;
flat out float v_radius;

bool isZero(float value) {
  return u_number && (value < -1e29 || (value == 0.0 && u_domain.x >= 0.0));
}

vec3 colorOf(float value) {
  if (isZero(value)) return u_zero;
  if (u_number) {
    float t = clamp((value - u_domain.x) / max(u_domain.y - u_domain.x, 1e-12), 0.0, 1.0);
    return texelFetch(u_ramp, ivec2(int(t * 255.0 + 0.5), 0), 0).rgb;
  }
  int code = int(value);
  return code < 0 ? u_zero : texelFetch(u_palette, ivec2(code % textureSize(u_palette, 0).x, 0), 0).rgb;
}

void main() {
  gl_Position = vec4(a_xy * u_scale + u_shift, 0.0, 1.0);
  if (u_layer == 6) {
    v_radius = u_disc * u_dpr;
    v_color = vec4(u_backdrop, 0.59);
    gl_PointSize = 2.0 * v_radius + 1.0;
    return;
  }
  vec2 size = vec2(textureSize(u_density, 0));
  ivec2 at = ivec2(clamp((a_xy - u_grid.xy) * u_grid.zw, 0.0, 0.9999) * size);
  float rho = max(0.25, texelFetch(u_density, at, 0).r) / (u_area * u_k * u_k);
  float radius = clamp(0.7 / sqrt(rho), 1.15 * pow(u_zoom, 0.2), 2.3 * pow(u_zoom, 0.35));
  float coverage = 3.14159 * radius * radius * rho;
  float alpha = clamp(1.05 - 0.07 * coverage, 0.62, 0.94);
  vec3 color = colorOf(a_value);
  if (u_layer == 0) {
    color = u_ghost;
    alpha = 0.8;
    radius *= 0.9;
  } else if (u_layer == 1) {
    color = mix(u_dark ? u_ground + 0.157 : vec3(0.804), color, 0.3);
    alpha = 0.6;
    radius *= 0.9;
  } else if (u_layer == 2) {
    color = u_notRun;
    alpha = clamp(1.1 - 0.1 * coverage, 0.42, 0.95);
    radius *= 1.05;
  } else if (u_layer == 4) {
    alpha = 1.0;
    radius = max(1.45 * radius, 2.4);
  } else if (isZero(a_value)) {
    alpha = 0.85;
    radius *= 0.85;
  } else if (u_number) {
    alpha = 0.9;
  }
  float age = (u_now - a_born) / 0.42;
  if (age < 1.0) radius *= 1.0 + 1.1 * (1.0 - age) * (1.0 - age);
  v_radius = radius * u_dpr;
  v_color = vec4(color, alpha);
  gl_PointSize = 2.0 * v_radius + 1.0;
}`;

export const FRAGMENT = `#version 300 es
precision highp float;
precision highp int;
flat in vec4 v_color;
flat in float v_radius;
uniform int u_layer;
uniform float u_dpr;
uniform vec3 u_ground;
out vec4 color;

void main() {
  float d = length(gl_PointCoord - 0.5) * (2.0 * v_radius + 1.0);
  float disc = 1.0 - smoothstep(v_radius - 0.5, v_radius + 0.5, d);
  vec3 c = v_color.rgb;
  float a = disc * v_color.a;
  if (u_layer == 6) {
    a = v_color.a * exp(-2.6 * d * d / (v_radius * v_radius)) * (1.0 - smoothstep(v_radius - 1.5, v_radius + 0.5, d));
  } else if (u_layer == 2 || u_layer == 4) {
    float w = (u_layer == 2 ? 0.42 : 0.55) * u_dpr;
    float ring = smoothstep(v_radius - 2.0 * w - 0.5, v_radius - 2.0 * w + 0.5, d);
    c = mix(u_ground, c, ring * v_color.a);
    a = disc;
  }
  color = vec4(c * a, a);
}`;

export const UNIFORMS = [
  "u_scale",
  "u_shift",
  "u_domain",
  "u_grid",
  "u_dpr",
  "u_k",
  "u_zoom",
  "u_now",
  "u_area",
  "u_disc",
  "u_layer",
  "u_number",
  "u_dark",
  "u_ground",
  "u_ghost",
  "u_zero",
  "u_notRun",
  "u_backdrop",
  "u_density",
  "u_palette",
  "u_ramp",
] as const;
export type Uniform = (typeof UNIFORMS)[number];
