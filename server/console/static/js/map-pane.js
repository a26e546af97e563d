// <map-pane>: the drawn map answers the cursor; with Leaflet at hand it can be moved and zoomed.
import { moveCursor, onCursor } from "./cursor.js";

const STEPS = [10, 5, 2, 1, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001, 0.0005];
const LINES = 8;

/** Leaflet is a script of its own, without types here. @typedef {any} Leaflet */

class MapPane extends HTMLElement {
  /** @type {Record<string, string>} */
  words = {};
  /** @type {HTMLElement[]} */
  spots = [];
  /** @type {Leaflet} */
  map;
  /** @type {Leaflet} */
  grid;
  /** @type {Leaflet} */
  chosen;
  /** @type {Record<string, string>} */
  colours = {};
  /** @type {Map<string | null, Leaflet>} */
  byId = new Map();

  connectedCallback() {
    this.words = JSON.parse(this.dataset.words ?? "{}");
    this.spots = [.../** @type {NodeListOf<HTMLElement>} */ (this.querySelectorAll(".spot"))];
    for (const spot of this.spots) {
      spot.addEventListener("click", () => {
        if (spot.dataset.at && !spot.classList.contains("mission")) {
          moveCursor(Number(spot.dataset.at), spot.dataset.first ?? null, this);
        }
      });
    }
    this.stop = onCursor((cursor) => this.show(cursor));
    const { L } = /** @type {any} */ (window);
    if (L && this.dataset.src) {
      this.enliven(L, this.dataset.src).catch(() => {});
    }
  }

  disconnectedCallback() {
    this.stop?.();
    this.map?.remove();
  }

  /** Only after its places are here does the living map replace the drawn one.
   * @param {Leaflet} L @param {string} source */
  async enliven(L, source) {
    const answer = await fetch(source, { credentials: "same-origin" });
    if (!answer.ok || !this.isConnected) {
      return;
    }
    const places = await answer.json();
    const host = document.createElement("div");
    host.className = "leaflet-host";
    this.querySelector("svg.map")?.replaceWith(host);
    const colour = (/** @type {string} */ name) => getComputedStyle(this).getPropertyValue(name).trim();
    this.map = L.map(host, { zoomControl: false, attributionControl: false, preferCanvas: true });
    L.control.zoom({ zoomInTitle: this.words["case.zoom_in"], zoomOutTitle: this.words["case.zoom_out"] }).addTo(this.map);
    L.control.scale({ imperial: false }).addTo(this.map);
    this.grid = L.layerGroup().addTo(this.map);
    this.colours = { line: colour("--strong-line"), mark: colour("--mark"), mission: colour("--warn"), item: colour("--link") };
    this.byId.clear();
    const layer = L.geoJSON(places, {
      pointToLayer: (/** @type {any} */ feature, /** @type {any} */ latlng) => this.spot(L, feature, latlng),
    }).addTo(this.map);
    this.map.on("moveend", () => this.graticule(L));
    this.map.fitBounds(layer.getBounds().pad(0.2), { maxZoom: 17, animate: false });
  }

  /** @param {Leaflet} L @param {any} feature of GeoJSON @param {any} latlng */
  spot(L, feature, latlng) {
    const { kind, at, name } = feature.properties;
    const fillColor = kind === "mission" ? this.colours.mission : this.colours.item;
    const made = L.circleMarker(latlng, {
      radius: kind === "mission" ? 9 : 6, weight: 2, color: this.colours.line, fillColor, fillOpacity: 0.9,
    });
    made.bindTooltip(document.createTextNode(name));
    made.on("click", () => at && kind !== "mission" && moveCursor(Date.parse(at), feature.id, this));
    this.byId.set(feature.id, made);
    return made;
  }

  /** @param {Leaflet} L */
  graticule(L) {
    const bounds = this.map.getBounds();
    const [south, north, west, east] = [bounds.getSouth(), bounds.getNorth(), bounds.getWest(), bounds.getEast()];
    const step = STEPS.filter((one) => Math.max(north - south, east - west) / one <= LINES).at(-1) ?? STEPS[0];
    const look = { color: this.colours.line, weight: 1, opacity: 0.5, interactive: false };
    this.grid.clearLayers();
    for (let lat = Math.ceil(south / step) * step; lat < north; lat += step) {
      this.grid.addLayer(L.polyline([[lat, west], [lat, east]], look));
    }
    for (let lon = Math.ceil(west / step) * step; lon < east; lon += step) {
      this.grid.addLayer(L.polyline([[south, lon], [north, lon]], look));
    }
  }

  /** @param {import("./cursor.js").Cursor} cursor */
  show({ at, item }) {
    /** @type {{spot: HTMLElement, apart: number, named: boolean} | null} */
    let best = null;
    for (const spot of this.spots) {
      spot.classList.remove("chosen");
      const apart = spot.dataset.at ? Math.abs(Number(spot.dataset.at) - at) : Infinity;
      const ids = spot.dataset.ids?.split(" ") ?? [];
      const named = item !== null && (ids.includes(item) || spot.dataset.first === item);
      if (named || (!best?.named && apart < (best?.apart ?? Infinity))) {
        best = { spot, apart, named };
      }
    }
    best?.spot.classList.add("chosen");
    this.dataset.chosen = (item && this.byId.has(item) ? item : best?.spot.dataset.first) ?? "";
    this.chosen?.setStyle({ color: this.colours.line, weight: 2 });
    this.chosen = this.byId.get(item);
    this.chosen?.setStyle({ color: this.colours.mark, weight: 5 });
  }
}

customElements.define("map-pane", MapPane);
