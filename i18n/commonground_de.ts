<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE TS>
<TS version="2.1" language="de" sourcelanguage="en">
 <context>
  <name>CommonGround</name>
  <message>
   <location filename="../plugin.py" />
   <source>Common Ground</source>
   <translation>Common Ground</translation>
  </message>
  <message>
   <location filename="../plugin.py" />
   <source>Make comparable…</source>
   <translation>Vergleichbar machen…</translation>
  </message>
  <message>
   <location filename="../plugin.py" />
   <source>What is the shift here?</source>
   <translation>Wie groß ist hier die Verschiebung?</translation>
  </message>
  <message>
   <location filename="../processing_provider/apply_shifts.py" />
   <source>Apply Shifts</source>
   <translation>Verschiebungen anwenden</translation>
  </message>
  <message>
   <location filename="../processing_provider/apply_shifts.py" />
   <source>Moves a raster by the shifts that Blockwise Coregister saved. The shift rasters hold the exact field: on the secondary DEM they give its aligned DEM again, to the last bit, on the same grid. The shifts layer gives a smooth field through its used blocks. A raster with cells of its own, an orthophoto say, keeps them.</source>
   <translation>Bewegt ein Raster um die Verschiebungen, die Blockweise koregistrieren gespeichert hat. Die Verschiebungsraster enthalten das genaue Feld: Auf das sekundäre Höhenmodell angewandt ergeben sie dessen ausgerichtetes Höhenmodell bis aufs letzte Bit, auf demselben Gitter. Der Verschiebungslayer gibt ein glattes Feld durch seine verwendeten Blöcke. Ein Raster mit eigenen Zellen, etwa ein Orthofoto, behält sie.</translation>
  </message>
  <message>
   <location filename="../processing_provider/apply_shifts.py" />
   <source>The secondary DEM, or an image of the same flight.</source>
   <translation>Das sekundäre Höhenmodell oder ein Bild desselben Fluges.</translation>
  </message>
  <message>
   <location filename="../processing_provider/apply_shifts.py" />
   <source>Three bands dx, dy, dz (m) as Blockwise Coregister writes them: the exact field.</source>
   <translation>Drei Kanäle dx, dy, dz (m), wie Blockweise koregistrieren sie schreibt: das genaue Feld.</translation>
  </message>
  <message>
   <location filename="../processing_provider/apply_shifts.py" />
   <source>The shifts layer; used where no shift rasters are given.</source>
   <translation>Der Verschiebungslayer; er gilt, wo keine Verschiebungsraster angegeben sind.</translation>
  </message>
  <message>
   <location filename="../processing_provider/apply_shifts.py" />
   <source>True for DEMs, false for images. Where it is not given, true for a single band of floats or signed integers; other rasters must be told.</source>
   <translation>Wahr für Höhenmodelle, falsch für Bilder. Ohne Angabe wahr für einen einzelnen Kanal aus Gleitkommazahlen oder vorzeichenbehafteten ganzen Zahlen; bei anderen Rastern muss es gesagt werden.</translation>
  </message>
  <message>
   <location filename="../processing_provider/apply_shifts.py" />
   <source>float32 where dz is added, else the type of the input.</source>
   <translation>float32, wo dz addiert wird, sonst der Typ der Eingabe.</translation>
  </message>
  <message>
   <location filename="../processing_provider/apply_shifts.py" />
   <source>Raster to move</source>
   <translation>Zu bewegendes Raster</translation>
  </message>
  <message>
   <location filename="../processing_provider/apply_shifts.py" />
   <source>Shift rasters</source>
   <translation>Verschiebungsraster</translation>
  </message>
  <message>
   <location filename="../processing_provider/apply_shifts.py" />
   <source>Shifts by block</source>
   <translation>Verschiebungen je Block</translation>
  </message>
  <message>
   <location filename="../processing_provider/apply_shifts.py" />
   <source>Add dz to the values</source>
   <translation>dz zu den Werten addieren</translation>
  </message>
  <message>
   <location filename="../processing_provider/apply_shifts.py" />
   <source>Moved raster</source>
   <translation>Bewegtes Raster</translation>
  </message>
  <message>
   <location filename="../processing_provider/apply_shifts.py" />
   <source>Give SHIFT_RASTERS or SHIFTS: one of them must say how to move the raster.</source>
   <translation>SHIFT_RASTERS oder SHIFTS angeben: Eines davon muss sagen, wie das Raster zu bewegen ist.</translation>
  </message>
  <message>
   <location filename="../processing_provider/apply_shifts.py" />
   <source>Give SHIFT_RASTERS or SHIFTS, not both.</source>
   <translation>SHIFT_RASTERS oder SHIFTS angeben, nicht beide.</translation>
  </message>
  <message>
   <location filename="../processing_provider/apply_shifts.py" />
   <source>SHIFTS has no coordinate reference system: assign the reference's.</source>
   <translation>SHIFTS hat kein Koordinatenbezugssystem: Weisen Sie das der Referenz zu.</translation>
  </message>
  <message>
   <location filename="../processing_provider/automatic_terrain.py" />
   <source>Leaves out what changed coherently (glaciers, landslides, mines, forest growth) and slopes above 50 degrees, as the two DEMs show it, inside the stable terrain that is given. Up to a quarter of the ground may have changed. Look at the mask of the stable terrain used.</source>
   <translation>Lässt aus, was sich zusammenhängend verändert hat (Gletscher, Rutschungen, Tagebaue, Waldwachstum), und Hänge über 50 Grad, so wie die beiden Höhenmodelle es zeigen, innerhalb des angegebenen stabilen Geländes. Bis zu einem Viertel des Bodens darf sich verändert haben. Sehen Sie sich die Maske des verwendeten stabilen Geländes an.</translation>
  </message>
  <message>
   <location filename="../processing_provider/automatic_terrain.py" />
   <source>1 where the ground was taken to be stable, 0 elsewhere, on the reference's grid: polygons, mask and the automatic part together.</source>
   <translation>1, wo der Boden als stabil galt, sonst 0, auf dem Gitter der Referenz: Polygone, Maske und der automatische Anteil zusammen.</translation>
  </message>
  <message>
   <location filename="../processing_provider/automatic_terrain.py" />
   <source>Find stable terrain automatically</source>
   <translation>Stabiles Gelände automatisch finden</translation>
  </message>
  <message>
   <location filename="../processing_provider/automatic_terrain.py" />
   <source>Stable terrain used</source>
   <translation>Verwendetes stabiles Gelände</translation>
  </message>
  <message>
   <location filename="../processing_provider/base.py" />
   <source>Frames and epochs</source>
   <translation>Bezugsrahmen und Epochen</translation>
  </message>
  <message>
   <location filename="../processing_provider/base.py" />
   <source>Coregistration</source>
   <translation>Koregistrierung</translation>
  </message>
  <message>
   <location filename="../processing_provider/base.py" />
   <source>Accuracy</source>
   <translation>Genauigkeit</translation>
  </message>
  <message>
   <location filename="../processing_provider/base.py" />
   <source>Altimetry</source>
   <translation>Altimetrie</translation>
  </message>
  <message>
   <location filename="../processing_provider/beforehand.py" />
   <source>Names the frame realization, so that a known step is told from the shift; nothing is moved by it. Empty: the frame that the CRS names, if any.</source>
   <translation>Nennt die Realisierung des Bezugsrahmens, damit ein bekannter Sprung von der Verschiebung unterschieden wird; bewegt wird dadurch nichts. Leer: der Rahmen, den das KBS nennt, falls vorhanden.</translation>
  </message>
  <message>
   <location filename="../processing_provider/beforehand.py" />
   <source>When the ground was observed: decimal year (2012.9) or ISO date (2012-11-24). Empty: the coordinate epoch that the file states, if any.</source>
   <translation>Wann der Boden beobachtet wurde: Dezimaljahr (2012.9) oder ISO-Datum (2012-11-24). Leer: die Koordinatenepoche, die die Datei angibt, falls vorhanden.</translation>
  </message>
  <message>
   <location filename="../processing_provider/beforehand.py" />
   <source>Frame of the reference</source>
   <translation>Bezugsrahmen der Referenz</translation>
  </message>
  <message>
   <location filename="../processing_provider/beforehand.py" />
   <source>Frame of the secondary</source>
   <translation>Bezugsrahmen des sekundären Modells</translation>
  </message>
  <message>
   <location filename="../processing_provider/beforehand.py" />
   <source>Epoch of the reference</source>
   <translation>Epoche der Referenz</translation>
  </message>
  <message>
   <location filename="../processing_provider/beforehand.py" />
   <source>Epoch of the secondary</source>
   <translation>Epoche des sekundären Modells</translation>
  </message>
  <message>
   <location filename="../processing_provider/blockwise_coregister.py" />
   <source>Blockwise Coregister</source>
   <translation>Blockweise koregistrieren</translation>
  </message>
  <message>
   <location filename="../processing_provider/blockwise_coregister.py" />
   <source>Moves a secondary DEM onto a reference where each block of stable terrain says it lies. A global shift is found first, over many cells if need be, then one for every block with its standard error, then a smooth field through all stable terrain; the secondary is warped by it once, from its original pixels. Shifts are metres to add to the secondary's position and height; dh = reference - secondary.

Nuth and Kääb (2011), doi:10.5194/tc-5-271-2011; Li et al. (2023), doi:10.5194/tc-17-5299-2023.</source>
   <translation>Bewegt ein sekundäres Höhenmodell auf eine Referenz, so wie jeder Block stabilen Geländes es verlangt. Zuerst wird eine globale Verschiebung gefunden, wenn nötig über viele Zellen, dann eine je Block mit ihrem Standardfehler, dann ein glattes Feld durch alles stabile Gelände; danach wird das sekundäre Modell ein einziges Mal umgerechnet, aus seinen ursprünglichen Pixeln. Verschiebungen sind Meter, die zu Lage und Höhe des sekundären Modells zu addieren sind; dh = Referenz - sekundär.

Nuth und Kääb (2011), doi:10.5194/tc-5-271-2011; Li et al. (2023), doi:10.5194/tc-17-5299-2023.</translation>
  </message>
  <message>
   <location filename="../processing_provider/blockwise_coregister.py" />
   <source>The DEM that is taken to lie right.</source>
   <translation>Das Höhenmodell, dessen Lage als richtig gilt.</translation>
  </message>
  <message>
   <location filename="../processing_provider/blockwise_coregister.py" />
   <source>The DEM to move; any grid and CRS.</source>
   <translation>Das zu bewegende Höhenmodell; Gitter und KBS beliebig.</translation>
  </message>
  <message>
   <location filename="../processing_provider/blockwise_coregister.py" />
   <source>The secondary, moved; float32.</source>
   <translation>Das bewegte sekundäre Modell; float32.</translation>
  </message>
  <message>
   <location filename="../processing_provider/blockwise_coregister.py" />
   <source>A polygon for each block with its shift, sigma, status and the reason for it.</source>
   <translation>Ein Polygon je Block mit Verschiebung, Sigma, Status und dessen Grund.</translation>
  </message>
  <message>
   <location filename="../processing_provider/blockwise_coregister.py" />
   <source>dx, dy and dz (m) as three bands: the exact field, which Apply Shifts replays to the last bit.</source>
   <translation>dx, dy und dz (m) als drei Kanäle: das genaue Feld, das Verschiebungen anwenden bis aufs letzte Bit wiederholt.</translation>
  </message>
  <message>
   <location filename="../processing_provider/blockwise_coregister.py" />
   <source>The field for stock PROJ and GDAL: +inv +proj=defmodel moves the secondary onto the reference.</source>
   <translation>Das Feld für PROJ und GDAL, wie sie sind: +inv +proj=defmodel bewegt das sekundäre Modell auf die Referenz.</translation>
  </message>
  <message>
   <location filename="../processing_provider/blockwise_coregister.py" />
   <source>Reference - secondary, metres.</source>
   <translation>Referenz - sekundär, Meter.</translation>
  </message>
  <message>
   <location filename="../processing_provider/blockwise_coregister.py" />
   <source>Reference - aligned, metres.</source>
   <translation>Referenz - ausgerichtet, Meter.</translation>
  </message>
  <message>
   <location filename="../processing_provider/blockwise_coregister.py" />
   <source>Numbers and figures in one HTML file.</source>
   <translation>Zahlen und Abbildungen in einer HTML-Datei.</translation>
  </message>
  <message>
   <location filename="../processing_provider/blockwise_coregister.py" />
   <source>All numbers with their definitions, for programs.</source>
   <translation>Alle Zahlen mit ihren Definitionen, für Programme.</translation>
  </message>
  <message>
   <location filename="../processing_provider/blockwise_coregister.py" />
   <source>What was done</source>
   <translation>Was getan wurde</translation>
  </message>
  <message>
   <location filename="../processing_provider/blockwise_coregister.py" />
   <source>Reference DEM</source>
   <translation>Referenz-Höhenmodell</translation>
  </message>
  <message>
   <location filename="../processing_provider/blockwise_coregister.py" />
   <source>Secondary DEM</source>
   <translation>Sekundäres Höhenmodell</translation>
  </message>
  <message>
   <location filename="../processing_provider/blockwise_coregister.py" />
   <source>Aligned DEM</source>
   <translation>Ausgerichtetes Höhenmodell</translation>
  </message>
  <message>
   <location filename="../processing_provider/blockwise_coregister.py" />
   <source>PROJ deformation model</source>
   <translation>PROJ-Deformationsmodell</translation>
  </message>
  <message>
   <location filename="../processing_provider/blockwise_coregister.py" />
   <source>JSON files (*.json)</source>
   <translation>JSON-Dateien (*.json)</translation>
  </message>
  <message>
   <location filename="../processing_provider/blockwise_coregister.py" />
   <source>Difference before</source>
   <translation>Differenz vorher</translation>
  </message>
  <message>
   <location filename="../processing_provider/blockwise_coregister.py" />
   <source>Difference after</source>
   <translation>Differenz nachher</translation>
  </message>
  <message>
   <location filename="../processing_provider/blockwise_coregister.py" />
   <source>Report</source>
   <translation>Bericht</translation>
  </message>
  <message>
   <location filename="../processing_provider/blockwise_coregister.py" />
   <source>HTML files (*.html)</source>
   <translation>HTML-Dateien (*.html)</translation>
  </message>
  <message>
   <location filename="../processing_provider/blockwise_coregister.py" />
   <source>Numbers as JSON</source>
   <translation>Zahlen als JSON</translation>
  </message>
  <message>
   <location filename="../processing_provider/blockwise_coregister.py" />
   <source>NMAD before (m)</source>
   <translation>NMAD vorher (m)</translation>
  </message>
  <message>
   <location filename="../processing_provider/blockwise_coregister.py" />
   <source>NMAD after (m)</source>
   <translation>NMAD nachher (m)</translation>
  </message>
  <message>
   <location filename="../processing_provider/blockwise_coregister.py" />
   <source>Median dh before (m)</source>
   <translation>Median von dh vorher (m)</translation>
  </message>
  <message>
   <location filename="../processing_provider/blockwise_coregister.py" />
   <source>Median dh after (m)</source>
   <translation>Median von dh nachher (m)</translation>
  </message>
  <message>
   <location filename="../processing_provider/blockwise_coregister.py" />
   <source>Global shift east (m)</source>
   <translation>Globale Verschiebung nach Ost (m)</translation>
  </message>
  <message>
   <location filename="../processing_provider/blockwise_coregister.py" />
   <source>Global shift north (m)</source>
   <translation>Globale Verschiebung nach Nord (m)</translation>
  </message>
  <message>
   <location filename="../processing_provider/blockwise_coregister.py" />
   <source>Global shift up (m)</source>
   <translation>Globale Verschiebung nach oben (m)</translation>
  </message>
  <message>
   <location filename="../processing_provider/blockwise_coregister.py" />
   <source>Blocks</source>
   <translation>Blöcke</translation>
  </message>
  <message>
   <location filename="../processing_provider/blockwise_coregister.py" />
   <source>Blocks used</source>
   <translation>Verwendete Blöcke</translation>
  </message>
  <message>
   <location filename="../processing_provider/blockwise_coregister.py" />
   <source>Blockwise coregistration</source>
   <translation>Blockweise Koregistrierung</translation>
  </message>
  <message>
   <location filename="../processing_provider/coregister_points.py" />
   <source>Coregister Points</source>
   <translation>Auf Punkte koregistrieren</translation>
  </message>
  <message>
   <location filename="../processing_provider/coregister_points.py" />
   <source>Moves a DEM onto points with heights: altimetry (ICESat-2), GNSS, lidar, from a vector layer or a CSV added as delimited text. The points are the reference; shifts are metres to add to the DEM's position and height; dh = point - DEM. One shift for all is found first, over many cells if need be; with BLOCK_SIZE then one for every block that holds points, and a field through them.

Points may be in any CRS: their positions are reprojected, their heights stay as they are and must be of the DEM's vertical datum. The slope of the ground comes from the DEM: noise of the points cannot bias the shift, and the DEM's own is kept out by taking slopes from other cells than heights. Points in one straight line, or on flat ground, tell little of the horizontal shift; their sigma says so.

Li et al. (2023), doi:10.5194/tc-17-5299-2023; Nuth and Kääb (2011), doi:10.5194/tc-5-271-2011.</source>
   <translation>Bewegt ein Höhenmodell auf Punkte mit Höhen: Altimetrie (ICESat-2), GNSS, Lidar, aus einem Vektorlayer oder einer als Textdatei hinzugefügten CSV. Die Punkte sind die Referenz; Verschiebungen sind Meter, die zu Lage und Höhe des Höhenmodells zu addieren sind; dh = Punkt - Höhenmodell. Zuerst wird eine Verschiebung für alles gefunden, wenn nötig über viele Zellen; mit BLOCK_SIZE dann eine für jeden Block, der Punkte enthält, und ein Feld durch sie.

Die Punkte dürfen in jedem KBS liegen: Ihre Lage wird umgerechnet, ihre Höhen bleiben, wie sie sind, und müssen zum Höhenbezug des Modells gehören. Die Neigung des Bodens kommt aus dem Höhenmodell: Rauschen der Punkte kann die Verschiebung nicht verfälschen, und das eigene des Modells wird ferngehalten, indem Neigungen aus anderen Zellen genommen werden als Höhen. Punkte auf einer Geraden oder in der Ebene sagen wenig über die Lage; ihr Sigma sagt es.

Li et al. (2023), doi:10.5194/tc-17-5299-2023; Nuth und Kääb (2011), doi:10.5194/tc-5-271-2011.</translation>
  </message>
  <message>
   <location filename="../processing_provider/coregister_points.py" />
   <source>The points that are taken to lie right, with heights in Z or in a field.</source>
   <translation>Die Punkte, deren Lage als richtig gilt, mit Höhen in Z oder in einem Feld.</translation>
  </message>
  <message>
   <location filename="../processing_provider/coregister_points.py" />
   <source>Heights in metres; empty: the points' Z.</source>
   <translation>Höhen in Metern; leer: das Z der Punkte.</translation>
  </message>
  <message>
   <location filename="../processing_provider/coregister_points.py" />
   <source>Tracks, flights or days: the report compares their residuals.</source>
   <translation>Spuren, Flüge oder Tage: Der Bericht vergleicht ihre Residuen.</translation>
  </message>
  <message>
   <location filename="../processing_provider/coregister_points.py" />
   <source>How a shift is found: lzd (robust least squares on the gradient), nuth_kaab (cosine of aspect), vertical_shift (height alone; for few points or flat ground).</source>
   <translation>Wie eine Verschiebung gefunden wird: lzd (robuster Ausgleich über den Gradienten), nuth_kaab (Kosinus der Exposition), vertical_shift (nur die Höhe; bei wenigen Punkten oder in der Ebene).</translation>
  </message>
  <message>
   <location filename="../processing_provider/coregister_points.py" />
   <source>The largest side of a block; 0: one global shift. Blocks with fewer than 30 points take their neighbours' shift.</source>
   <translation>Die längste Seite eines Blocks; 0: eine globale Verschiebung. Blöcke mit weniger als 30 Punkten übernehmen die Verschiebung ihrer Nachbarn.</translation>
  </message>
  <message>
   <location filename="../processing_provider/coregister_points.py" />
   <source>Of very many points a sample is taken; the same seed draws the same ones.</source>
   <translation>Von sehr vielen Punkten wird eine Stichprobe genommen; gleicher Startwert, gleiche Stichprobe.</translation>
  </message>
  <message>
   <location filename="../processing_provider/coregister_points.py" />
   <source>The secondary, moved, on its own grid; float32.</source>
   <translation>Das bewegte sekundäre Modell auf seinem eigenen Gitter; float32.</translation>
  </message>
  <message>
   <location filename="../processing_provider/coregister_points.py" />
   <source>The points on the DEM with dh_before and dh_after (m), and stable (1 or 0).</source>
   <translation>Die Punkte auf dem Höhenmodell mit dh_before und dh_after (m) und stable (1 oder 0).</translation>
  </message>
  <message>
   <location filename="../processing_provider/coregister_points.py" />
   <source>Numbers, groups and figures in one HTML file.</source>
   <translation>Zahlen, Gruppen und Abbildungen in einer HTML-Datei.</translation>
  </message>
  <message>
   <location filename="../processing_provider/coregister_points.py" />
   <source>Points</source>
   <translation>Punkte</translation>
  </message>
  <message>
   <location filename="../processing_provider/coregister_points.py" />
   <source>Height field</source>
   <translation>Höhenfeld</translation>
  </message>
  <message>
   <location filename="../processing_provider/coregister_points.py" />
   <source>Group field</source>
   <translation>Gruppenfeld</translation>
  </message>
  <message>
   <location filename="../processing_provider/coregister_points.py" />
   <source>Method</source>
   <translation>Verfahren</translation>
  </message>
  <message>
   <location filename="../processing_provider/coregister_points.py" />
   <source>Block size (cells of the DEM)</source>
   <translation>Blockgröße (Zellen des Höhenmodells)</translation>
  </message>
  <message>
   <location filename="../processing_provider/coregister_points.py" />
   <source>Seed</source>
   <translation>Startwert</translation>
  </message>
  <message>
   <location filename="../processing_provider/coregister_points.py" />
   <source>Residuals</source>
   <translation>Residuen</translation>
  </message>
  <message>
   <location filename="../processing_provider/coregister_points.py" />
   <source>Stable points compared</source>
   <translation>Verglichene stabile Punkte</translation>
  </message>
  <message>
   <location filename="../processing_provider/coregister_points.py" />
   <source>{all} points, {on} on the DEM, {stable} of them on stable terrain.</source>
   <translation>{all} Punkte, {on} auf dem Höhenmodell, davon {stable} auf stabilem Gelände.</translation>
  </message>
  <message>
   <location filename="../processing_provider/coregister_series.py" />
   <source>Coregister Series</source>
   <translation>Serie koregistrieren</translation>
  </message>
  <message>
   <location filename="../processing_provider/coregister_series.py" />
   <source>Aligns every DEM of a series to one reference with Blockwise Coregister and its defaults, one after the other, and writes a table of what each gained. With epochs the aligned DEMs carry them, so that the temporal controller of QGIS steps through the series. A DEM that cannot be aligned is named in the table and the log, and the others go on.

Nuth and Kääb (2011), doi:10.5194/tc-5-271-2011.</source>
   <translation>Richtet jedes Höhenmodell einer Serie mit Blockweise koregistrieren und dessen Vorgaben auf eine Referenz aus, eines nach dem anderen, und schreibt eine Tabelle des jeweiligen Gewinns. Mit Epochen tragen die ausgerichteten Modelle diese, sodass die Zeitsteuerung von QGIS durch die Serie schreitet. Ein Modell, das nicht ausgerichtet werden kann, wird in Tabelle und Protokoll genannt, die anderen laufen weiter.

Nuth und Kääb (2011), doi:10.5194/tc-5-271-2011.</translation>
  </message>
  <message>
   <location filename="../processing_provider/coregister_series.py" />
   <source>The DEMs to move; any grid and CRS each.</source>
   <translation>Die zu bewegenden Höhenmodelle; Gitter und KBS jeweils beliebig.</translation>
  </message>
  <message>
   <location filename="../processing_provider/coregister_series.py" />
   <source>One for each DEM in their order, with commas between: decimal years or ISO dates. Empty: the coordinate epoch that a file states, if any.</source>
   <translation>Eine je Höhenmodell in dessen Reihenfolge, durch Kommas getrennt: Dezimaljahre oder ISO-Daten. Leer: die Koordinatenepoche, die eine Datei angibt, falls vorhanden.</translation>
  </message>
  <message>
   <location filename="../processing_provider/coregister_series.py" />
   <source>The largest side of a block; 0: one global shift for each DEM.</source>
   <translation>Die längste Seite eines Blocks; 0: eine globale Verschiebung je Höhenmodell.</translation>
  </message>
  <message>
   <location filename="../processing_provider/coregister_series.py" />
   <source>Loads the aligned DEMs with a hillshade and their shifts as arrows, in time where epochs are known.</source>
   <translation>Lädt die ausgerichteten Höhenmodelle mit Schummerung und ihre Verschiebungen als Pfeile, zeitlich eingeordnet, wo Epochen bekannt sind.</translation>
  </message>
  <message>
   <location filename="../processing_provider/coregister_series.py" />
   <source>Gets an aligned DEM and a shifts layer for each DEM, named after it.</source>
   <translation>Erhält je Höhenmodell ein ausgerichtetes Modell und einen Verschiebungslayer, nach ihm benannt.</translation>
  </message>
  <message>
   <location filename="../processing_provider/coregister_series.py" />
   <source>One row a DEM: NMAD and median before and after, global shift, blocks; lengths in metres.</source>
   <translation>Eine Zeile je Höhenmodell: NMAD und Median vorher und nachher, globale Verschiebung, Blöcke; Längen in Metern.</translation>
  </message>
  <message>
   <location filename="../processing_provider/coregister_series.py" />
   <source>DEMs of the series</source>
   <translation>Höhenmodelle der Serie</translation>
  </message>
  <message>
   <location filename="../processing_provider/coregister_series.py" />
   <source>Epochs of the DEMs</source>
   <translation>Epochen der Höhenmodelle</translation>
  </message>
  <message>
   <location filename="../processing_provider/coregister_series.py" />
   <source>Block size (cells of the reference)</source>
   <translation>Blockgröße (Zellen der Referenz)</translation>
  </message>
  <message>
   <location filename="../processing_provider/coregister_series.py" />
   <source>Add the aligned DEMs to the project</source>
   <translation>Ausgerichtete Höhenmodelle zum Projekt hinzufügen</translation>
  </message>
  <message>
   <location filename="../processing_provider/coregister_series.py" />
   <source>Folder of the results</source>
   <translation>Ordner der Ergebnisse</translation>
  </message>
  <message>
   <location filename="../processing_provider/coregister_series.py" />
   <source>Table of gains</source>
   <translation>Tabelle der Gewinne</translation>
  </message>
  <message>
   <location filename="../processing_provider/coregister_series.py" />
   <source>CSV files (*.csv)</source>
   <translation>CSV-Dateien (*.csv)</translation>
  </message>
  <message>
   <location filename="../processing_provider/coregister_series.py" />
   <source>Aligned DEMs</source>
   <translation>Ausgerichtete Höhenmodelle</translation>
  </message>
  <message>
   <location filename="../processing_provider/coregister_series.py" />
   <source>DEMs aligned</source>
   <translation>Ausgerichtete Modelle (Anzahl)</translation>
  </message>
  <message>
   <location filename="../processing_provider/coregister_series.py" />
   <source>DEMs not aligned</source>
   <translation>Nicht ausgerichtete Modelle (Anzahl)</translation>
  </message>
  <message>
   <location filename="../processing_provider/coregister_series.py" />
   <source>Median of the NMADs before (m)</source>
   <translation>Median der NMAD vorher (m)</translation>
  </message>
  <message>
   <location filename="../processing_provider/coregister_series.py" />
   <source>Median of the NMADs after (m)</source>
   <translation>Median der NMAD nachher (m)</translation>
  </message>
  <message>
   <location filename="../processing_provider/coregister_series.py" />
   <source>{name}: shifts</source>
   <translation>{name}: Verschiebungen</translation>
  </message>
  <message>
   <location filename="../processing_provider/coregister_series.py" />
   <source>{name} was not aligned: {reason}</source>
   <translation>{name} wurde nicht ausgerichtet: {reason}</translation>
  </message>
  <message>
   <location filename="../processing_provider/coregister_tiles.py" />
   <source>Coregister Tiles</source>
   <translation>Kacheln koregistrieren</translation>
  </message>
  <message>
   <location filename="../processing_provider/coregister_tiles.py" />
   <source>Moves every tile of a folder, a list or a virtual raster (VRT) onto one reference as Blockwise Coregister would, each by its own shift field, several at a time. A tile that cannot be aligned is named with its reason, and the others go on.

The folder of the results keeps a journal, tiles.jsonl. A run that was cancelled or killed goes on where it ended: tiles that are done are not done again unless their file, the reference, the stable terrain around them or a setting has changed, or a result is missing.

Nuth and Kääb (2011), doi:10.5194/tc-5-271-2011; Li et al. (2023), doi:10.5194/tc-17-5299-2023.</source>
   <translation>Bewegt jede Kachel eines Ordners, einer Liste oder eines virtuellen Rasters (VRT) auf eine Referenz, wie Blockweise koregistrieren es täte, jede mit ihrem eigenen Verschiebungsfeld, mehrere gleichzeitig. Eine Kachel, die nicht ausgerichtet werden kann, wird mit ihrem Grund genannt, die anderen laufen weiter.

Der Ordner der Ergebnisse führt ein Journal, tiles.jsonl. Ein Lauf, der abgebrochen oder gewaltsam beendet wurde, geht dort weiter, wo er endete: Fertige Kacheln werden nicht noch einmal gerechnet, außer wenn sich ihre Datei, die Referenz, das stabile Gelände um sie herum oder eine Einstellung geändert hat oder ein Ergebnis fehlt.

Nuth und Kääb (2011), doi:10.5194/tc-5-271-2011; Li et al. (2023), doi:10.5194/tc-17-5299-2023.</translation>
  </message>
  <message>
   <location filename="../processing_provider/coregister_tiles.py" />
   <source>The DEM that is taken to lie right; it may be far larger than a tile.</source>
   <translation>Das Höhenmodell, dessen Lage als richtig gilt; es darf weit größer als eine Kachel sein.</translation>
  </message>
  <message>
   <location filename="../processing_provider/coregister_tiles.py" />
   <source>The DEMs to move, any grid and CRS each; of a VRT its member files. For thousands of tiles a VRT or FOLDER starts much faster than a list.</source>
   <translation>Die zu bewegenden Höhenmodelle, Gitter und KBS jeweils beliebig; von einem VRT dessen Einzeldateien. Bei Tausenden von Kacheln starten ein VRT oder FOLDER viel schneller als eine Liste.</translation>
  </message>
  <message>
   <location filename="../processing_provider/coregister_tiles.py" />
   <source>All rasters in it and in the folders within; VRTs, hidden files and OUTPUT are left out.</source>
   <translation>Alle Raster darin und in den Unterordnern; VRTs, versteckte Dateien und OUTPUT werden ausgelassen.</translation>
  </message>
  <message>
   <location filename="../processing_provider/coregister_tiles.py" />
   <source>Gets for each tile an aligned DEM (_aligned.tif), shift rasters (_shift_rasters.tif) and shifts by block (_shifts.gpkg), named after it, with AUTO_STABLE the mask of the stable terrain used (_stable.tif), and the journal. One run at a time writes into it.</source>
   <translation>Erhält je Kachel ein ausgerichtetes Höhenmodell (_aligned.tif), Verschiebungsraster (_shift_rasters.tif) und Verschiebungen je Block (_shifts.gpkg), nach ihr benannt, mit AUTO_STABLE die Maske des verwendeten stabilen Geländes (_stable.tif), und das Journal. Nur ein Lauf zugleich schreibt hinein.</translation>
  </message>
  <message>
   <location filename="../processing_provider/coregister_tiles.py" />
   <source>The outline of each tile: status (done, unchanged, refused), reason, global shift with sigmas (m), blocks, NMAD and median before and after (m), seconds, and the aligned DEM's file.</source>
   <translation>Der Umriss jeder Kachel: Status (done, unchanged, refused), Grund, globale Verschiebung mit Sigmas (m), Blöcke, NMAD und Median vorher und nachher (m), Sekunden und die Datei des ausgerichteten Höhenmodells.</translation>
  </message>
  <message>
   <location filename="../processing_provider/coregister_tiles.py" />
   <source>Overview map, worst tiles and table in one HTML file.</source>
   <translation>Übersichtskarte, schlechteste Kacheln und Tabelle in einer HTML-Datei.</translation>
  </message>
  <message>
   <location filename="../processing_provider/coregister_tiles.py" />
   <source>DEM tiles</source>
   <translation>Kacheln des Höhenmodells</translation>
  </message>
  <message>
   <location filename="../processing_provider/coregister_tiles.py" />
   <source>Folder of DEM tiles</source>
   <translation>Ordner mit Kacheln des Höhenmodells</translation>
  </message>
  <message>
   <location filename="../processing_provider/coregister_tiles.py" />
   <source>Summary of the tiles</source>
   <translation>Übersicht der Kacheln</translation>
  </message>
  <message>
   <location filename="../processing_provider/coregister_tiles.py" />
   <source>Tiles</source>
   <translation>Kacheln</translation>
  </message>
  <message>
   <location filename="../processing_provider/coregister_tiles.py" />
   <source>Tiles done</source>
   <translation>Fertige Kacheln</translation>
  </message>
  <message>
   <location filename="../processing_provider/coregister_tiles.py" />
   <source>Tiles unchanged</source>
   <translation>Unveränderte Kacheln</translation>
  </message>
  <message>
   <location filename="../processing_provider/coregister_tiles.py" />
   <source>Tiles refused</source>
   <translation>Abgelehnte Kacheln</translation>
  </message>
  <message>
   <location filename="../processing_provider/coregister_tiles.py" />
   <source>Give SECONDARIES or FOLDER: one of them must name the tiles.</source>
   <translation>SECONDARIES oder FOLDER angeben: Eines davon muss die Kacheln nennen.</translation>
  </message>
  <message>
   <location filename="../processing_provider/coregister_tiles.py" />
   <source>FOLDER: there is no folder {folder}.</source>
   <translation>FOLDER: Den Ordner {folder} gibt es nicht.</translation>
  </message>
  <message>
   <location filename="../processing_provider/correct_bias.py" />
   <source>Correct Bias</source>
   <translation>Systematischen Fehler korrigieren</translation>
  </message>
  <message>
   <location filename="../processing_provider/correct_bias.py" />
   <source>Takes out of a secondary DEM what no shift explains. dh = reference - secondary on stable terrain is fitted robustly, and the fitted bias is added to the secondary on its own cells, without resampling; ground that has changed has no say.

ramp: a polynomial of ORDER 0 to 3 in position. directional: a line and waves along ANGLE, as from the jitter of a line scanner; a wave is believed where one side of the scene foretells it on the other. terrain: whatever curve dh follows with the reference's elevation, slope or curvature (as DEMs of unlike resolution do). Such biases and misplacement resemble each other: coregister first (Blockwise Coregister), correct, and coregister again if shifts remain. A bias by aspect is a shift.

Girod et al. (2017), doi:10.3390/rs9070704 (jitter); Gardelle et al. (2012), doi:10.3189/2012JoG11J175 (curvature).</source>
   <translation>Nimmt aus einem sekundären Höhenmodell heraus, was keine Verschiebung erklärt. dh = Referenz - sekundär auf stabilem Gelände wird robust angepasst, und der gefundene Fehler wird auf den eigenen Zellen des sekundären Modells addiert, ohne Umrechnung; Boden, der sich verändert hat, redet nicht mit.

ramp: ein Polynom der Ordnung ORDER (0 bis 3) in der Lage. directional: eine Gerade und Wellen entlang ANGLE, wie vom Zittern eines Zeilenscanners; einer Welle wird geglaubt, wo die eine Seite der Szene sie auf der anderen vorhersagt. terrain: welche Kurve auch immer dh mit Höhe, Neigung oder Krümmung der Referenz beschreibt (wie bei Höhenmodellen ungleicher Auflösung). Solche Fehler und falsche Lage ähneln einander: erst koregistrieren (Blockweise koregistrieren), korrigieren, und nochmals koregistrieren, falls Verschiebungen bleiben. Ein Fehler nach Exposition ist eine Verschiebung.

Girod et al. (2017), doi:10.3390/rs9070704 (Zittern); Gardelle et al. (2012), doi:10.3189/2012JoG11J175 (Krümmung).</translation>
  </message>
  <message>
   <location filename="../processing_provider/correct_bias.py" />
   <source>The DEM that is taken to be right; any grid and CRS.</source>
   <translation>Das Höhenmodell, das als richtig gilt; Gitter und KBS beliebig.</translation>
  </message>
  <message>
   <location filename="../processing_provider/correct_bias.py" />
   <source>The DEM to correct, coregistered beforehand.</source>
   <translation>Das zu korrigierende Höhenmodell, vorher koregistriert.</translation>
  </message>
  <message>
   <location filename="../processing_provider/correct_bias.py" />
   <source>ramp (polynomial of position), directional (waves along an angle), terrain (by an attribute).</source>
   <translation>ramp (Polynom der Lage), directional (Wellen entlang eines Winkels), terrain (nach einem Merkmal).</translation>
  </message>
  <message>
   <location filename="../processing_provider/correct_bias.py" />
   <source>0: a constant, 1: a plane, 2 and 3: curved. For KIND=ramp.</source>
   <translation>0: eine Konstante, 1: eine Ebene, 2 und 3: gekrümmt. Für KIND=ramp.</translation>
  </message>
  <message>
   <location filename="../processing_provider/correct_bias.py" />
   <source>The direction along which the bias varies, clockwise from north; empty: that of the wave which stands out most. For KIND=directional.</source>
   <translation>Die Richtung, in der sich der Fehler ändert, im Uhrzeigersinn von Nord; leer: die der deutlichsten Welle. Für KIND=directional.</translation>
  </message>
  <message>
   <location filename="../processing_provider/correct_bias.py" />
   <source>How many sinusoids to look for; fewer where the data tell of fewer. For KIND=directional.</source>
   <translation>Wie viele Sinuswellen gesucht werden; weniger, wo die Daten weniger hergeben. Für KIND=directional.</translation>
  </message>
  <message>
   <location filename="../processing_provider/correct_bias.py" />
   <source>What the bias follows, taken from the reference; cells where that is unknown become void. For KIND=terrain.</source>
   <translation>Wem der Fehler folgt, aus der Referenz genommen; Zellen, wo das unbekannt ist, werden leer. Für KIND=terrain.</translation>
  </message>
  <message>
   <location filename="../processing_provider/correct_bias.py" />
   <source>The secondary plus the bias, on its own cells; float32.</source>
   <translation>Das sekundäre Modell plus Korrektur, auf seinen eigenen Zellen; float32.</translation>
  </message>
  <message>
   <location filename="../processing_provider/correct_bias.py" />
   <source>What was added, metres.</source>
   <translation>Was addiert wurde, Meter.</translation>
  </message>
  <message>
   <location filename="../processing_provider/correct_bias.py" />
   <source>Kind of bias</source>
   <translation>Art des Fehlers</translation>
  </message>
  <message>
   <location filename="../processing_provider/correct_bias.py" />
   <source>Order of the ramp</source>
   <translation>Ordnung der Rampe</translation>
  </message>
  <message>
   <location filename="../processing_provider/correct_bias.py" />
   <source>Angle of the waves (degrees)</source>
   <translation>Winkel der Wellen (Grad)</translation>
  </message>
  <message>
   <location filename="../processing_provider/correct_bias.py" />
   <source>Waves, at most</source>
   <translation>Höchstzahl der Wellen</translation>
  </message>
  <message>
   <location filename="../processing_provider/correct_bias.py" />
   <source>Attribute of the terrain</source>
   <translation>Merkmal des Geländes</translation>
  </message>
  <message>
   <location filename="../processing_provider/correct_bias.py" />
   <source>Corrected DEM</source>
   <translation>Korrigiertes Höhenmodell</translation>
  </message>
  <message>
   <location filename="../processing_provider/correct_bias.py" />
   <source>Bias</source>
   <translation>Systematischer Fehler</translation>
  </message>
  <message>
   <location filename="../processing_provider/correct_bias.py" />
   <source>Stable cells compared</source>
   <translation>Verglichene stabile Zellen</translation>
  </message>
  <message>
   <location filename="../processing_provider/correct_bias.py" />
   <source>Cells that became void</source>
   <translation>Leer gewordene Zellen</translation>
  </message>
  <message>
   <location filename="../processing_provider/correct_bias.py" />
   <source>Coefficients (JSON)</source>
   <translation>Koeffizienten (JSON)</translation>
  </message>
  <message>
   <location filename="../processing_provider/correct_bias.py" />
   <source>Bias correction</source>
   <translation>Fehlerkorrektur</translation>
  </message>
  <message>
   <location filename="../processing_provider/correct_bias.py" />
   <source>ANGLE is for KIND=directional: leave it empty or choose that kind.</source>
   <translation>ANGLE gilt für KIND=directional: Lassen Sie es leer oder wählen Sie diese Art.</translation>
  </message>
  <message>
   <location filename="../processing_provider/correct_bias.py" />
   <source>{lost} cells of the secondary became void: the reference's {attribute} is unknown there.</source>
   <translation>{lost} Zellen des sekundären Modells wurden leer: {attribute} der Referenz ist dort unbekannt.</translation>
  </message>
  <message>
   <location filename="../processing_provider/elevation_change.py" />
   <source>Elevation Change</source>
   <translation>Höhenänderung</translation>
  </message>
  <message>
   <location filename="../processing_provider/elevation_change.py" />
   <source>Elevation change between points of two dates: dh = after - before, so a surface that sinks has a negative dh; dh/dt in metres a year by the field 'time'. Each point of the layer with fewer points is compared with a plane through the other layer's points around it, so that the slope of the ground does not count as a change. Both layers must be in one frame and at one epoch; otherwise plate motion and frames would look like a change: run Reframe ITRF first.</source>
   <translation>Höhenänderung zwischen Punkten zweier Zeiten: dh = nachher - vorher, eine sinkende Fläche hat also negatives dh; dh/dt in Metern je Jahr nach dem Feld 'time'. Jeder Punkt des Layers mit weniger Punkten wird mit einer Ebene durch die Punkte des anderen um ihn herum verglichen, damit die Neigung des Bodens nicht als Änderung zählt. Beide Layer müssen in einem Bezugsrahmen und auf einer Epoche sein; sonst sähen Plattenbewegung und Rahmen wie eine Änderung aus: zuerst ITRF umrechnen ausführen.</translation>
  </message>
  <message>
   <location filename="../processing_provider/elevation_change.py" />
   <source>Points with Z (ellipsoidal height). Fields: frame and epoch (else those of the layer's CRS), time (when measured) and, where known, sigma (m).</source>
   <translation>Punkte mit Z (ellipsoidische Höhe). Felder: frame und epoch (sonst die des Layer-KBS), time (wann gemessen) und, wo bekannt, sigma (m).</translation>
  </message>
  <message>
   <location filename="../processing_provider/elevation_change.py" />
   <source>Points further away than this are not compared.</source>
   <translation>Weiter entfernte Punkte werden nicht verglichen.</translation>
  </message>
  <message>
   <location filename="../processing_provider/elevation_change.py" />
   <source>plane: the ground between the points is a plane through up to 12 of the denser layer's points; points where these make no plane are left out. nearest: the nearest point's height as it is, for flat ground.</source>
   <translation>plane: Der Boden zwischen den Punkten ist eine Ebene durch bis zu 12 Punkte des dichteren Layers; Punkte, wo diese keine Ebene bilden, entfallen. nearest: die Höhe des nächsten Punktes, für ebenen Boden.</translation>
  </message>
  <message>
   <location filename="../processing_provider/elevation_change.py" />
   <source>A point for each pair: dh and sigma_dh (m), dt (years), dh_dt and sigma_dh_dt (m/yr).</source>
   <translation>Ein Punkt je Paar: dh und sigma_dh (m), dt (Jahre), dh_dt und sigma_dh_dt (m/a).</translation>
  </message>
  <message>
   <location filename="../processing_provider/elevation_change.py" />
   <source>Points before</source>
   <translation>Punkte vorher</translation>
  </message>
  <message>
   <location filename="../processing_provider/elevation_change.py" />
   <source>Points after</source>
   <translation>Punkte nachher</translation>
  </message>
  <message>
   <location filename="../processing_provider/elevation_change.py" />
   <source>Largest distance (m)</source>
   <translation>Größte Entfernung (m)</translation>
  </message>
  <message>
   <location filename="../processing_provider/elevation_change.py" />
   <source>Slope</source>
   <translation>Neigung</translation>
  </message>
  <message>
   <location filename="../processing_provider/elevation_change.py" />
   <source>Elevation change</source>
   <translation>Höhenänderung</translation>
  </message>
  <message>
   <location filename="../processing_provider/elevation_change.py" />
   <source>Pairs</source>
   <translation>Paare</translation>
  </message>
  <message>
   <location filename="../processing_provider/elevation_change.py" />
   <source>Points without a pair</source>
   <translation>Punkte ohne Partner</translation>
  </message>
  <message>
   <location filename="../processing_provider/elevation_change.py" />
   <source>Median dh (m)</source>
   <translation>Median von dh (m)</translation>
  </message>
  <message>
   <location filename="../processing_provider/elevation_change.py" />
   <source>NMAD of dh (m)</source>
   <translation>NMAD von dh (m)</translation>
  </message>
  <message>
   <location filename="../processing_provider/elevation_change.py" />
   <source>Mean dh (m)</source>
   <translation>Mittel von dh (m)</translation>
  </message>
  <message>
   <location filename="../processing_provider/elevation_change.py" />
   <source>Median dh/dt (m/yr)</source>
   <translation>Median von dh/dt (m/a)</translation>
  </message>
  <message>
   <location filename="../processing_provider/elevation_change.py" />
   <source>No points lie near enough to be paired, or they make no plane: try a larger DISTANCE.</source>
   <translation>Keine Punkte liegen nahe genug für Paare, oder sie bilden keine Ebene: Versuchen Sie eine größere DISTANCE.</translation>
  </message>
  <message>
   <location filename="../processing_provider/elevation_change.py" />
   <source>{name} has points without a time (field 'time'): their dh/dt stays empty.</source>
   <translation>{name} hat Punkte ohne Zeit (Feld 'time'): Ihr dh/dt bleibt leer.</translation>
  </message>
  <message>
   <location filename="../processing_provider/frame_parameters.py" />
   <source>Plate motion model, or VELOCITY for one of your own. A plate model knows no vertical motion.</source>
   <translation>Plattenbewegungsmodell, oder VELOCITY für eine eigene Geschwindigkeit. Ein Plattenmodell kennt keine senkrechte Bewegung.</translation>
  </message>
  <message>
   <location filename="../processing_provider/frame_parameters.py" />
   <source>The model's plate, e.g. NOAM. Empty: the plate that each feature lies on.</source>
   <translation>Die Platte des Modells, z. B. NOAM. Leer: die Platte, auf der jedes Objekt liegt.</translation>
  </message>
  <message>
   <location filename="../processing_provider/frame_parameters.py" />
   <source>The model's plate, e.g. NOAM. Empty: the plate that the raster lies on.</source>
   <translation>Die Platte des Modells, z. B. NOAM. Leer: die Platte, auf der das Raster liegt.</translation>
  </message>
  <message>
   <location filename="../processing_provider/frame_parameters.py" />
   <source>Velocity east (m/yr)</source>
   <translation>Geschwindigkeit nach Ost (m/a)</translation>
  </message>
  <message>
   <location filename="../processing_provider/frame_parameters.py" />
   <source>Velocity north (m/yr)</source>
   <translation>Geschwindigkeit nach Nord (m/a)</translation>
  </message>
  <message>
   <location filename="../processing_provider/frame_parameters.py" />
   <source>Velocity up (m/yr)</source>
   <translation>Geschwindigkeit nach oben (m/a)</translation>
  </message>
  <message>
   <location filename="../processing_provider/frame_parameters.py" />
   <source>Field of velocity east (m/yr)</source>
   <translation>Feld der Geschwindigkeit nach Ost (m/a)</translation>
  </message>
  <message>
   <location filename="../processing_provider/frame_parameters.py" />
   <source>Field of velocity north (m/yr)</source>
   <translation>Feld der Geschwindigkeit nach Nord (m/a)</translation>
  </message>
  <message>
   <location filename="../processing_provider/frame_parameters.py" />
   <source>Field of velocity up (m/yr)</source>
   <translation>Feld der Geschwindigkeit nach oben (m/a)</translation>
  </message>
  <message>
   <location filename="../processing_provider/frame_parameters.py" />
   <source>For MODEL=VELOCITY: bands east, north and perhaps up, sampled bilinearly.</source>
   <translation>Für MODEL=VELOCITY: Kanäle Ost, Nord und vielleicht oben, bilinear abgegriffen.</translation>
  </message>
  <message>
   <location filename="../processing_provider/frame_parameters.py" />
   <source>What was moved by how much, the displacement over time, and the same as a PROJ pipeline.</source>
   <translation>Was um wie viel bewegt wurde, der Weg über die Zeit, und dasselbe als PROJ-Pipeline.</translation>
  </message>
  <message>
   <location filename="../processing_provider/frame_parameters.py" />
   <source>Motion</source>
   <translation>Bewegung</translation>
  </message>
  <message>
   <location filename="../processing_provider/frame_parameters.py" />
   <source>Plate</source>
   <translation>Platte</translation>
  </message>
  <message>
   <location filename="../processing_provider/frame_parameters.py" />
   <source>For MODEL=VELOCITY; east and north are needed, up counts as 0 when empty. In the ITRF of the frame: a plate-fixed frame moves with its plate already.</source>
   <translation>Für MODEL=VELOCITY; Ost und Nord sind nötig, oben zählt leer als 0. Im ITRF des Rahmens: Ein plattenfester Rahmen bewegt sich schon mit seiner Platte.</translation>
  </message>
  <message>
   <location filename="../processing_provider/frame_parameters.py" />
   <source>For MODEL=VELOCITY: each feature's own velocity.</source>
   <translation>Für MODEL=VELOCITY: die eigene Geschwindigkeit jedes Objekts.</translation>
  </message>
  <message>
   <location filename="../processing_provider/frame_parameters.py" />
   <source>Velocity raster (m/yr)</source>
   <translation>Geschwindigkeitsraster (m/a)</translation>
  </message>
  <message>
   <location filename="../processing_provider/frame_parameters.py" />
   <source>Target frame</source>
   <translation>Ziel-Bezugsrahmen</translation>
  </message>
  <message>
   <location filename="../processing_provider/frame_parameters.py" />
   <source>Frame of the coordinates</source>
   <translation>Bezugsrahmen der Koordinaten</translation>
  </message>
  <message>
   <location filename="../processing_provider/import_altimetry.py" />
   <source>Import Altimetry</source>
   <translation>Altimetrie einlesen</translation>
  </message>
  <message>
   <location filename="../processing_provider/import_altimetry.py" />
   <source>Files of ICESat (GLAH06), Operation IceBridge and its forerunners (ATM, LVIS) and ICESat-2 (ATL03, ATL06, ATL08, ATL13), or tables, as points that know when they were measured and in which reference frame. Heights are ellipsoidal (WGS 84), GLAS heights are converted from TOPEX/Poseidon. The frame is what the product's release or the file itself tells, never a guess. Then bring the points to one frame and epoch with Reframe ITRF: SOURCE_FRAME_FIELD=frame, EPOCH_FIELD=epoch, HEIGHT_FIELD=height.</source>
   <translation>Dateien von ICESat (GLAH06), Operation IceBridge und Vorläufern (ATM, LVIS) und ICESat-2 (ATL03, ATL06, ATL08, ATL13) oder Tabellen, als Punkte, die wissen, wann und in welchem Bezugsrahmen sie gemessen wurden. Höhen sind ellipsoidisch (WGS 84), GLAS-Höhen werden von TOPEX/Poseidon umgerechnet. Der Bezugsrahmen ist, was die Ausgabe des Produkts oder die Datei selbst sagt, nie eine Vermutung. Danach die Punkte mit ITRF umrechnen auf einen Rahmen und eine Epoche bringen: SOURCE_FRAME_FIELD=frame, EPOCH_FIELD=epoch, HEIGHT_FIELD=height.</translation>
  </message>
  <message>
   <location filename="../processing_provider/import_altimetry.py" />
   <source>A file, or a folder: all files of the product below it; their names lie in the field 'file'. Keep the files' original names, which hold dates and releases.</source>
   <translation>Eine Datei oder ein Ordner: alle Dateien des Produkts darunter; ihre Namen stehen im Feld 'file'. Behalten Sie die ursprünglichen Dateinamen, sie enthalten Datum und Ausgabe.</translation>
  </message>
  <message>
   <location filename="../processing_provider/import_altimetry.py" />
   <source>auto: told by the file's name. In a folder, only files of the product are taken.</source>
   <translation>auto: nach dem Dateinamen. In einem Ordner werden nur Dateien des Produkts genommen.</translation>
  </message>
  <message>
   <location filename="../processing_provider/import_altimetry.py" />
   <source>Only points within, exactly, in the extent's own coordinate reference system. In degrees, 175,-175,60,70 lies across the antimeridian.</source>
   <translation>Nur Punkte darin, und zwar genau, im eigenen Koordinatenbezugssystem der Ausdehnung. In Grad liegt 175,-175,60,70 über dem Antimeridian.</translation>
  </message>
  <message>
   <location filename="../processing_provider/import_altimetry.py" />
   <source>Only points measured at or after this: ISO date (2018-07-02), datetime or decimal year.</source>
   <translation>Nur Punkte, die dann oder später gemessen wurden: ISO-Datum (2018-07-02), Zeitpunkt oder Dezimaljahr.</translation>
  </message>
  <message>
   <location filename="../processing_provider/import_altimetry.py" />
   <source>Only points measured before this; a date without a time of day counts as a whole day.</source>
   <translation>Nur Punkte, die davor gemessen wurden; ein Datum ohne Uhrzeit zählt als ganzer Tag.</translation>
  </message>
  <message>
   <location filename="../processing_provider/import_altimetry.py" />
   <source>recommended: without the points that the product's own flags advise against; the log counts them by reason. all: with them, and the field 'flagged' says what speaks against a point.</source>
   <translation>recommended: ohne die Punkte, von denen die Kennzeichen des Produkts abraten; das Protokoll zählt sie nach Grund. all: mit ihnen, und das Feld 'flagged' sagt, was gegen einen Punkt spricht.</translation>
  </message>
  <message>
   <location filename="../processing_provider/import_altimetry.py" />
   <source>For tables and ATM files: the frame by the campaign's documents. Never used against what a file says.</source>
   <translation>Für Tabellen und ATM-Dateien: der Bezugsrahmen nach den Unterlagen der Kampagne. Nie gegen das, was eine Datei sagt.</translation>
  </message>
  <message>
   <location filename="../processing_provider/import_altimetry.py" />
   <source>The column with the ellipsoidal height (m), where the names do not tell.</source>
   <translation>Die Spalte mit der ellipsoidischen Höhe (m), wo die Namen es nicht sagen.</translation>
  </message>
  <message>
   <location filename="../processing_provider/import_altimetry.py" />
   <source>All points in one layer, with Z, time (UTC), epoch (decimal year), frame, height (m) and the product's fields. QGIS 3.22 cuts time to whole seconds in files; epoch is good to 10 microseconds.</source>
   <translation>Alle Punkte in einem Layer, mit Z, time (UTC), epoch (Dezimaljahr), frame, height (m) und den Feldern des Produkts. QGIS 3.22 kürzt time in Dateien auf ganze Sekunden; epoch ist auf 10 Mikrosekunden genau.</translation>
  </message>
  <message>
   <location filename="../processing_provider/import_altimetry.py" />
   <source>One layer for each file, too or instead: GeoPackages in this folder with the files' names, their own fields and, as CRS, their own frame.</source>
   <translation>Je Datei ein Layer, zusätzlich oder stattdessen: GeoPackages in diesem Ordner mit den Namen der Dateien, ihren eigenen Feldern und, als KBS, ihrem eigenen Bezugsrahmen.</translation>
  </message>
  <message>
   <location filename="../processing_provider/import_altimetry.py" />
   <source>File or folder</source>
   <translation>Datei oder Ordner</translation>
  </message>
  <message>
   <location filename="../processing_provider/import_altimetry.py" />
   <source>Product</source>
   <translation>Produkt</translation>
  </message>
  <message>
   <location filename="../processing_provider/import_altimetry.py" />
   <source>Extent</source>
   <translation>Ausdehnung</translation>
  </message>
  <message>
   <location filename="../processing_provider/import_altimetry.py" />
   <source>First date</source>
   <translation>Erstes Datum</translation>
  </message>
  <message>
   <location filename="../processing_provider/import_altimetry.py" />
   <source>Last date</source>
   <translation>Letztes Datum</translation>
  </message>
  <message>
   <location filename="../processing_provider/import_altimetry.py" />
   <source>Quality</source>
   <translation>Qualität</translation>
  </message>
  <message>
   <location filename="../processing_provider/import_altimetry.py" />
   <source>Frame where the files tell none</source>
   <translation>Bezugsrahmen, wo die Dateien keinen nennen</translation>
  </message>
  <message>
   <location filename="../processing_provider/import_altimetry.py" />
   <source>Height column of tables</source>
   <translation>Höhenspalte von Tabellen</translation>
  </message>
  <message>
   <location filename="../processing_provider/import_altimetry.py" />
   <source>Folder for one layer a file</source>
   <translation>Ordner für je einen Layer pro Datei</translation>
  </message>
  <message>
   <location filename="../processing_provider/import_altimetry.py" />
   <source>Layers, one a file</source>
   <translation>Layer, je Datei einer</translation>
  </message>
  <message>
   <location filename="../processing_provider/import_altimetry.py" />
   <source>Points dropped for quality or missing values</source>
   <translation>Wegen Qualität oder fehlender Werte verworfene Punkte</translation>
  </message>
  <message>
   <location filename="../processing_provider/import_altimetry.py" />
   <source>Points outside of the extent or the dates</source>
   <translation>Punkte außerhalb von Ausdehnung oder Zeitraum</translation>
  </message>
  <message>
   <location filename="../processing_provider/import_altimetry.py" />
   <source>Files</source>
   <translation>Dateien</translation>
  </message>
  <message>
   <location filename="../processing_provider/import_altimetry.py" />
   <source>No point is left: the layer is empty.</source>
   <translation>Kein Punkt ist übrig: Der Layer ist leer.</translation>
  </message>
  <message>
   <location filename="../processing_provider/import_altimetry.py" />
   <source>Altimetry (*)</source>
   <translation>Altimetrie (*)</translation>
  </message>
  <message>
   <location filename="../processing_provider/import_altimetry.py" />
   <source>Opening the files</source>
   <translation>Dateien werden geöffnet</translation>
  </message>
  <message>
   <location filename="../processing_provider/import_altimetry.py" />
   <source>{count} points written; {outside} lie outside of the extent or the dates.</source>
   <translation>{count} Punkte geschrieben; {outside} liegen außerhalb von Ausdehnung oder Zeitraum.</translation>
  </message>
  <message>
   <location filename="../processing_provider/import_altimetry.py" />
   <source>{count} other file(s) in the folder are left out ({names}).</source>
   <translation>{count} andere Datei(en) im Ordner werden ausgelassen ({names}).</translation>
  </message>
  <message>
   <location filename="../processing_provider/import_altimetry.py" />
   <source>unknown</source>
   <translation>unbekannt</translation>
  </message>
  <message>
   <location filename="../processing_provider/import_altimetry.py" />
   <source>The points are in several frames ({names}): use Reframe ITRF with SOURCE_FRAME_FIELD=frame before comparing them.</source>
   <translation>Die Punkte liegen in mehreren Bezugsrahmen ({names}): vor dem Vergleich ITRF umrechnen mit SOURCE_FRAME_FIELD=frame ausführen.</translation>
  </message>
  <message>
   <location filename="../processing_provider/import_altimetry.py" />
   <source>Dropped: {count} points {reason}.</source>
   <translation>Verworfen: {count} Punkte {reason}.</translation>
  </message>
  <message>
   <location filename="../processing_provider/layer_metadata.py" />
   <source>Made by Common Ground: {name}.</source>
   <translation>Mit Common Ground gemacht: {name}.</translation>
  </message>
  <message>
   <location filename="../processing_provider/layer_metadata.py" />
   <source>dh = reference - secondary; shifts are added to the secondary.</source>
   <translation>dh = Referenz - sekundär; Verschiebungen werden zum sekundären Modell addiert.</translation>
  </message>
  <message>
   <location filename="../processing_provider/layer_metadata.py" />
   <source>Coordinate epoch {epoch}.</source>
   <translation>Koordinatenepoche {epoch}.</translation>
  </message>
  <message>
   <location filename="../processing_provider/nmad_report.py" />
   <source>NMAD Report</source>
   <translation>NMAD-Bericht</translation>
  </message>
  <message>
   <location filename="../processing_provider/nmad_report.py" />
   <source>How well a secondary DEM agrees with a reference, dh = reference - secondary, and how much better an aligned one does on the same cells: NMAD, median, RMSE, LE90 and more, on stable terrain and by slope, with difference maps and histograms in one HTML file. Rasters of any size, grid and CRS.

Points with heights (GNSS, altimetry, lidar) may take the place of either DEM: leave it empty and choose POINTS. With SECONDARY the points are the reference, dh = point - DEM; with REFERENCE they are what is judged, dh = DEM - point. Their heights must be of the DEM's vertical datum.</source>
   <translation>Wie gut ein sekundäres Höhenmodell mit einer Referenz übereinstimmt, dh = Referenz - sekundär, und wie viel besser ein ausgerichtetes auf denselben Zellen: NMAD, Median, RMSE, LE90 und mehr, auf stabilem Gelände und nach Neigung, mit Differenzkarten und Histogrammen in einer HTML-Datei. Raster jeder Größe, jedes Gitters und KBS.

Punkte mit Höhen (GNSS, Altimetrie, Lidar) können an die Stelle eines der beiden Höhenmodelle treten: Lassen Sie dieses leer und wählen Sie POINTS. Mit SECONDARY sind die Punkte die Referenz, dh = Punkt - Höhenmodell; mit REFERENCE werden sie selbst beurteilt, dh = Höhenmodell - Punkt. Ihre Höhen müssen zum Höhenbezug des Modells gehören.</translation>
  </message>
  <message>
   <location filename="../processing_provider/nmad_report.py" />
   <source>The DEM that is taken as right; its grid is used. Empty where POINTS are the reference.</source>
   <translation>Das Höhenmodell, das als richtig gilt; sein Gitter wird verwendet. Leer, wo POINTS die Referenz sind.</translation>
  </message>
  <message>
   <location filename="../processing_provider/nmad_report.py" />
   <source>The DEM to judge, on any grid and in any CRS. Empty where POINTS are judged.</source>
   <translation>Das zu beurteilende Höhenmodell, auf beliebigem Gitter und in beliebigem KBS. Leer, wo POINTS beurteilt werden.</translation>
  </message>
  <message>
   <location filename="../processing_provider/nmad_report.py" />
   <source>The secondary after coregistration: adds the statistics after, on the same cells.</source>
   <translation>Das sekundäre Modell nach der Koregistrierung: fügt die Statistik nachher hinzu, auf denselben Zellen.</translation>
  </message>
  <message>
   <location filename="../processing_provider/nmad_report.py" />
   <source>The shifts layer of Blockwise Coregister: adds heat maps of the X, Y and Z shifts.</source>
   <translation>Der Verschiebungslayer von Blockweise koregistrieren: fügt Karten der X-, Y- und Z-Verschiebung hinzu.</translation>
  </message>
  <message>
   <location filename="../processing_provider/nmad_report.py" />
   <source>Rising slope edges in degrees with commas between.</source>
   <translation>Steigende Grenzen der Neigung in Grad, durch Kommas getrennt.</translation>
  </message>
  <message>
   <location filename="../processing_provider/nmad_report.py" />
   <source>SECONDARY already holds dh = reference - secondary, in metres; REFERENCE is only asked for its terrain.</source>
   <translation>SECONDARY enthält bereits dh = Referenz - sekundär in Metern; REFERENCE wird nur nach ihrem Gelände gefragt.</translation>
  </message>
  <message>
   <location filename="../processing_provider/nmad_report.py" />
   <source>Points with heights, in the place of the DEM that is left empty.</source>
   <translation>Punkte mit Höhen, an der Stelle des leer gelassenen Höhenmodells.</translation>
  </message>
  <message>
   <location filename="../processing_provider/nmad_report.py" />
   <source>Heights of the points in metres; empty: their Z.</source>
   <translation>Höhen der Punkte in Metern; leer: ihr Z.</translation>
  </message>
  <message>
   <location filename="../processing_provider/nmad_report.py" />
   <source>A classified raster: adds the statistics of each of its values.</source>
   <translation>Ein klassifiziertes Raster: fügt die Statistik jedes seiner Werte hinzu.</translation>
  </message>
  <message>
   <location filename="../processing_provider/nmad_report.py" />
   <source>Polygons, such as glaciers: adds their mean elevation change and volume change, with uncertainties from correlated errors.</source>
   <translation>Polygone, etwa Gletscher: fügt ihre mittlere Höhen- und ihre Volumenänderung hinzu, mit Unsicherheiten aus korrelierten Fehlern.</translation>
  </message>
  <message>
   <location filename="../processing_provider/nmad_report.py" />
   <source>Of the sample from which the correlation of errors is told.</source>
   <translation>Der Stichprobe, aus der die Korrelation der Fehler bestimmt wird.</translation>
  </message>
  <message>
   <location filename="../processing_provider/nmad_report.py" />
   <source>One HTML file with the figures inside.</source>
   <translation>Eine HTML-Datei mit den Abbildungen darin.</translation>
  </message>
  <message>
   <location filename="../processing_provider/nmad_report.py" />
   <source>One row for each group of cells.</source>
   <translation>Eine Zeile je Gruppe von Zellen.</translation>
  </message>
  <message>
   <location filename="../processing_provider/nmad_report.py" />
   <source>Reference - aligned, or reference - secondary without an aligned DEM, metres, float32.</source>
   <translation>Referenz - ausgerichtet, ohne ausgerichtetes Modell Referenz - sekundär, Meter, float32.</translation>
  </message>
  <message>
   <location filename="../processing_provider/nmad_report.py" />
   <source>The zones with their mean dh and volume (dh times area) and one standard deviation of each.</source>
   <translation>Die Zonen mit mittlerem dh und Volumen (dh mal Fläche) und je einer Standardabweichung.</translation>
  </message>
  <message>
   <location filename="../processing_provider/nmad_report.py" />
   <source>The points on the DEM with dh_before, dh_after with an aligned DEM, and stable (1 or 0).</source>
   <translation>Die Punkte auf dem Höhenmodell mit dh_before, mit einem ausgerichteten Modell auch dh_after, und stable (1 oder 0).</translation>
  </message>
  <message>
   <location filename="../processing_provider/nmad_report.py" />
   <source>POINTS take the place of one DEM: choose either SECONDARY (dh = point - DEM) or REFERENCE (dh = DEM - point), and leave the other one empty.</source>
   <translation>POINTS treten an die Stelle eines Höhenmodells: Wählen Sie entweder SECONDARY (dh = Punkt - Höhenmodell) oder REFERENCE (dh = Höhenmodell - Punkt) und lassen Sie das andere leer.</translation>
  </message>
  <message>
   <location filename="../processing_provider/nmad_report.py" />
   <source>IS_DIFFERENCE is for a raster of differences: with POINTS leave it off.</source>
   <translation>IS_DIFFERENCE gilt für ein Raster von Differenzen: Lassen Sie es mit POINTS ausgeschaltet.</translation>
  </message>
  <message>
   <location filename="../processing_provider/nmad_report.py" />
   <source>DIFFERENCE is a raster: with POINTS leave it empty; RESIDUALS holds their dh.</source>
   <translation>DIFFERENCE ist ein Raster: Lassen Sie es mit POINTS leer; deren dh stehen in RESIDUALS.</translation>
  </message>
  <message>
   <location filename="../processing_provider/nmad_report.py" />
   <source>ALIGNED is the secondary DEM after coregistration: choose that DEM as SECONDARY, and leave REFERENCE to the POINTS.</source>
   <translation>ALIGNED ist das sekundäre Höhenmodell nach der Koregistrierung: Wählen Sie dieses als SECONDARY und überlassen Sie REFERENCE den POINTS.</translation>
  </message>
  <message>
   <location filename="../processing_provider/nmad_report.py" />
   <source>Slope classes (edges in degrees)</source>
   <translation>Neigungsklassen (Grenzen in Grad)</translation>
  </message>
  <message>
   <location filename="../processing_provider/nmad_report.py" />
   <source>The secondary is a difference</source>
   <translation>Das sekundäre Raster ist eine Differenz</translation>
  </message>
  <message>
   <location filename="../processing_provider/nmad_report.py" />
   <source>Land cover</source>
   <translation>Bodenbedeckung</translation>
  </message>
  <message>
   <location filename="../processing_provider/nmad_report.py" />
   <source>Zones</source>
   <translation>Zonen</translation>
  </message>
  <message>
   <location filename="../processing_provider/nmad_report.py" />
   <source>Numbers as a table</source>
   <translation>Zahlen als Tabelle</translation>
  </message>
  <message>
   <location filename="../processing_provider/nmad_report.py" />
   <source>Difference dh</source>
   <translation>Differenz dh</translation>
  </message>
  <message>
   <location filename="../processing_provider/nmad_report.py" />
   <source>Zones with changes</source>
   <translation>Zonen mit Änderungen</translation>
  </message>
  <message>
   <location filename="../processing_provider/nmad_report.py" />
   <source>ZONES_OUTPUT needs ZONES: choose a layer of polygons, or leave both empty.</source>
   <translation>ZONES_OUTPUT braucht ZONES: Wählen Sie einen Polygonlayer oder lassen Sie beide leer.</translation>
  </message>
  <message>
   <location filename="../processing_provider/nmad_report.py" />
   <source>IS_DIFFERENCE and ALIGNED exclude each other: leave ALIGNED empty.</source>
   <translation>IS_DIFFERENCE und ALIGNED schließen einander aus: Lassen Sie ALIGNED leer.</translation>
  </message>
  <message>
   <location filename="../processing_provider/nmad_report.py" />
   <source>{name} needs POINTS: choose a layer of points, or leave both empty.</source>
   <translation>{name} braucht POINTS: Wählen Sie einen Punktlayer oder lassen Sie beide leer.</translation>
  </message>
  <message>
   <location filename="../processing_provider/nmad_report.py" />
   <source>{name} is missing: choose a DEM, or POINTS in its place.</source>
   <translation>{name} fehlt: Wählen Sie ein Höhenmodell oder POINTS an seiner Stelle.</translation>
  </message>
  <message>
   <location filename="../processing_provider/parameters.py" />
   <source>Polygons of ground that has not changed; everything where empty.</source>
   <translation>Polygone von Boden, der sich nicht verändert hat; leer: alles.</translation>
  </message>
  <message>
   <location filename="../processing_provider/parameters.py" />
   <source>Polygons to leave out: glaciers, landslides, water, forest.</source>
   <translation>Auszulassende Polygone: Gletscher, Rutschungen, Wasser, Wald.</translation>
  </message>
  <message>
   <location filename="../processing_provider/parameters.py" />
   <source>How a block's shift is found: nuth_kaab (cosine of aspect), lzd (robust least squares on the gradient), dh_minimize (least NMAD of dh; four times slower), icp (closest points, point to plane: no sub-pixel method, up to 0.015 cells off without noise and drawn to whole cells by noise, by 0.02 to 0.2 cells), vertical_shift (height alone).</source>
   <translation>Wie die Verschiebung eines Blocks gefunden wird: nuth_kaab (Kosinus der Exposition), lzd (robuster Ausgleich über den Gradienten), dh_minimize (kleinste NMAD von dh; viermal langsamer), icp (nächste Punkte, Punkt zu Ebene: kein Subpixelverfahren, ohne Rauschen bis zu 0,015 Zellen daneben und durch Rauschen zu ganzen Zellen hingezogen, um 0,02 bis 0,2 Zellen), vertical_shift (nur die Höhe).</translation>
  </message>
  <message>
   <location filename="../processing_provider/parameters.py" />
   <source>The largest side of a block; blocks share the raster evenly. 0: one global shift.</source>
   <translation>Die längste Seite eines Blocks; die Blöcke teilen das Raster gleichmäßig. 0: eine globale Verschiebung.</translation>
  </message>
  <message>
   <location filename="../processing_provider/parameters.py" />
   <source>Whose cells the aligned DEM has.</source>
   <translation>Wessen Zellen das ausgerichtete Höhenmodell hat.</translation>
  </message>
  <message>
   <location filename="../processing_provider/parameters.py" />
   <source>Large blocks are fitted on a sample of their cells; the same seed draws the same ones.</source>
   <translation>Große Blöcke werden an einer Stichprobe ihrer Zellen angepasst; gleicher Startwert, gleiche Stichprobe.</translation>
  </message>
  <message>
   <location filename="../processing_provider/parameters.py" />
   <source>How far a block reaches into its neighbours while its shift is found.</source>
   <translation>Wie weit ein Block in seine Nachbarn reicht, während seine Verschiebung gesucht wird.</translation>
  </message>
  <message>
   <location filename="../processing_provider/parameters.py" />
   <source>What runs between the blocks: a smooth field, one plane, or one constant shift.</source>
   <translation>Was zwischen den Blöcken verläuft: ein glattes Feld, eine Ebene oder eine konstante Verschiebung.</translation>
  </message>
  <message>
   <location filename="../processing_provider/parameters.py" />
   <source>The kernel of the one warp.</source>
   <translation>Der Kern der einen Umrechnung.</translation>
  </message>
  <message>
   <location filename="../processing_provider/parameters.py" />
   <source>The global step finds three small angles besides the shift, about the middle of the overlap. With BLOCK_SIZE=0 the result turns with them, else blocks start from there.</source>
   <translation>Der globale Schritt findet neben der Verschiebung drei kleine Winkel, um die Mitte der Überlappung. Mit BLOCK_SIZE=0 dreht sich das Ergebnis mit ihnen, sonst gehen die Blöcke davon aus.</translation>
  </message>
  <message>
   <location filename="../processing_provider/parameters.py" />
   <source>So that they do not pass for a shift (METHOD=lzd): tilt, and elevation, a bias that grows with height, which is taken from the secondary's heights. With BLOCK_SIZE=0 the tilt is taken out as well, else the field follows it.</source>
   <translation>Damit sie nicht als Verschiebung durchgehen (METHOD=lzd): tilt, eine Kippung, und elevation, ein mit der Höhe wachsender systematischer Fehler, der aus den Höhen des sekundären Modells herausgenommen wird. Mit BLOCK_SIZE=0 wird auch die Kippung herausgenommen, sonst folgt ihr das Feld.</translation>
  </message>
  <message>
   <location filename="../processing_provider/parameters.py" />
   <source>0: one for each processor. The result does not depend on it.</source>
   <translation>0: einer je Prozessor. Das Ergebnis hängt nicht davon ab.</translation>
  </message>
  <message>
   <location filename="../processing_provider/parameters.py" />
   <source>The address of a Dask scheduler whose workers see the same files, e.g. tcp://host:8786.</source>
   <translation>Die Adresse eines Dask-Schedulers, dessen Worker dieselben Dateien sehen, z. B. tcp://host:8786.</translation>
  </message>
  <message>
   <location filename="../processing_provider/parameters.py" />
   <source>plain (tiled and compressed), overviews (besides, smaller versions inside the file, which draw faster), cog (a Cloud Optimized GeoTIFF).</source>
   <translation>plain (gekachelt und komprimiert), overviews (dazu verkleinerte Fassungen in der Datei, die schneller gezeichnet werden), cog (ein Cloud Optimized GeoTIFF).</translation>
  </message>
  <message>
   <location filename="../processing_provider/parameters.py" />
   <source>Stable terrain</source>
   <translation>Stabiles Gelände</translation>
  </message>
  <message>
   <location filename="../processing_provider/parameters.py" />
   <source>Unstable terrain</source>
   <translation>Instabiles Gelände</translation>
  </message>
  <message>
   <location filename="../processing_provider/parameters.py" />
   <source>A raster whose non-zero cells are stable terrain.</source>
   <translation>Ein Raster, dessen von null verschiedene Zellen stabiles Gelände sind.</translation>
  </message>
  <message>
   <location filename="../processing_provider/parameters.py" />
   <source>Grid of the result</source>
   <translation>Gitter des Ergebnisses</translation>
  </message>
  <message>
   <location filename="../processing_provider/parameters.py" />
   <source>Overlap (fraction of a block)</source>
   <translation>Überlappung (Anteil eines Blocks)</translation>
  </message>
  <message>
   <location filename="../processing_provider/parameters.py" />
   <source>Shift field</source>
   <translation>Verschiebungsfeld</translation>
  </message>
  <message>
   <location filename="../processing_provider/parameters.py" />
   <source>Resampling</source>
   <translation>Umrechnung</translation>
  </message>
  <message>
   <location filename="../processing_provider/parameters.py" />
   <source>Solve for a rotation, too</source>
   <translation>Auch eine Drehung bestimmen</translation>
  </message>
  <message>
   <location filename="../processing_provider/parameters.py" />
   <source>Terms solved beside the shift</source>
   <translation>Neben der Verschiebung bestimmte Terme</translation>
  </message>
  <message>
   <location filename="../processing_provider/parameters.py" />
   <source>Threads</source>
   <translation>Threads</translation>
  </message>
  <message>
   <location filename="../processing_provider/parameters.py" />
   <source>Dask scheduler</source>
   <translation>Dask-Scheduler</translation>
  </message>
  <message>
   <location filename="../processing_provider/parameters.py" />
   <source>Layout of the GeoTIFF</source>
   <translation>Aufbau des GeoTIFF</translation>
  </message>
  <message>
   <location filename="../processing_provider/parameters.py" />
   <source>BLOCK_SIZE must be 0 (one global shift) or at least 16 cells.</source>
   <translation>BLOCK_SIZE muss 0 (eine globale Verschiebung) oder mindestens 16 Zellen sein.</translation>
  </message>
  <message>
   <location filename="../processing_provider/parameters.py" />
   <source>Mask of stable terrain</source>
   <translation>Maske des stabilen Geländes</translation>
  </message>
  <message>
   <location filename="../processing_provider/point_layer.py" />
   <source>Reading points</source>
   <translation>Punkte werden gelesen</translation>
  </message>
  <message>
   <location filename="../processing_provider/propagate_epoch.py" />
   <source>Propagate Epoch</source>
   <translation>Epoche fortführen</translation>
  </message>
  <message>
   <location filename="../processing_provider/propagate_epoch.py" />
   <source>Moves features to another epoch within their reference frame, by a plate motion model (each feature with the plate that it lies on) or by a velocity.

A plate-fixed frame (ETRF, NAD83, GDA, NATRF) is propagated through its ITRF parent, so that plate motion is never applied twice. A plate motion model knows no vertical motion.</source>
   <translation>Bewegt Objekte innerhalb ihres Bezugsrahmens auf eine andere Epoche, nach einem Plattenbewegungsmodell (jedes Objekt mit der Platte, auf der es liegt) oder nach einer Geschwindigkeit.

Ein plattenfester Rahmen (ETRF, NAD83, GDA, NATRF) wird über seinen übergeordneten ITRF fortgeführt, sodass die Plattenbewegung nie zweimal angebracht wird. Ein Plattenbewegungsmodell kennt keine senkrechte Bewegung.</translation>
  </message>
  <message>
   <location filename="../processing_provider/propagate_epoch_raster.py" />
   <source>Propagate Epoch (raster)</source>
   <translation>Epoche fortführen (Raster)</translation>
  </message>
  <message>
   <location filename="../processing_provider/propagate_epoch_raster.py" />
   <source>Moves a DEM to another epoch within its reference frame, by a plate motion model or by a local velocity.

The raster is moved by its georeference and its heights by a plane: nothing is resampled. A raster on several plates is refused unless a plate or a velocity is given.</source>
   <translation>Bewegt ein Höhenmodell innerhalb seines Bezugsrahmens auf eine andere Epoche, nach einem Plattenbewegungsmodell oder einer örtlichen Geschwindigkeit.

Das Raster wird durch seine Georeferenz bewegt und seine Höhen durch eine Ebene: Nichts wird umgerechnet. Ein Raster auf mehreren Platten wird abgelehnt, wenn weder Platte noch Geschwindigkeit angegeben sind.</translation>
  </message>
  <message>
   <location filename="../processing_provider/raster_frames.py" />
   <source>The raster to move; not resampled.</source>
   <translation>Das zu bewegende Raster; es wird nicht umgerechnet.</translation>
  </message>
  <message>
   <location filename="../processing_provider/raster_frames.py" />
   <source>The frame realization of the raster; it overrides the CRS's datum. Empty: the frame that the CRS names.</source>
   <translation>Die Realisierung des Bezugsrahmens des Rasters; sie geht dem Datum des KBS vor. Leer: der Rahmen, den das KBS nennt.</translation>
  </message>
  <message>
   <location filename="../processing_provider/raster_frames.py" />
   <source>Epoch of the raster</source>
   <translation>Epoche des Rasters</translation>
  </message>
  <message>
   <location filename="../processing_provider/raster_frames.py" />
   <source>When the ground was observed: decimal year (2000.13) or ISO date (2000-02-17).</source>
   <translation>Wann der Boden beobachtet wurde: Dezimaljahr (2000.13) oder ISO-Datum (2000-02-17).</translation>
  </message>
  <message>
   <location filename="../processing_provider/raster_frames.py" />
   <source>Target epoch</source>
   <translation>Zielepoche</translation>
  </message>
  <message>
   <location filename="../processing_provider/raster_frames.py" />
   <source>ellipsoidal, geoid: the height displacement is added to the cells. keep: not a bit of them changes (for levelled heights, images and velocities in the plane).</source>
   <translation>ellipsoidal, geoid: Die Höhenverschiebung wird zu den Zellen addiert. keep: Kein Bit von ihnen ändert sich (für nivellierte Höhen, Bilder und Geschwindigkeiten in der Ebene).</translation>
  </message>
  <message>
   <location filename="../processing_provider/raster_frames.py" />
   <source>How far the true displacement may be from the one translation. Empty: a twentieth of a cell.</source>
   <translation>Wie weit die wahre Verschiebung von der einen Translation abweichen darf. Leer: ein Zwanzigstel einer Zelle.</translation>
  </message>
  <message>
   <location filename="../processing_provider/raster_frames.py" />
   <source>Off: a raster whose displacement varies by more than the tolerance is refused. On: such a raster is resampled (cubic convolution, as float32), which smooths it.</source>
   <translation>Aus: Ein Raster, dessen Verschiebung um mehr als die Toleranz schwankt, wird abgelehnt. An: Ein solches Raster wird umgerechnet (kubisch, als float32), was es glättet.</translation>
  </message>
  <message>
   <location filename="../processing_provider/raster_frames.py" />
   <source>The raster at its new position, with the coordinate epoch and tags that say what was done.</source>
   <translation>Das Raster an seinem neuen Ort, mit der Koordinatenepoche und Angaben darüber, was getan wurde.</translation>
  </message>
  <message>
   <location filename="../processing_provider/raster_frames.py" />
   <source>DEM</source>
   <translation>Höhenmodell</translation>
  </message>
  <message>
   <location filename="../processing_provider/raster_frames.py" />
   <source>The frame realization to change to.</source>
   <translation>Die Realisierung, in die umgerechnet wird.</translation>
  </message>
  <message>
   <location filename="../processing_provider/raster_frames.py" />
   <source>The epoch to move the raster to. Empty: it keeps its own.</source>
   <translation>Die Epoche, auf die das Raster bewegt wird. Leer: Es behält seine eigene.</translation>
  </message>
  <message>
   <location filename="../processing_provider/raster_frames.py" />
   <source>The epoch to move the raster to.</source>
   <translation>Die Epoche, auf die das Raster bewegt wird.</translation>
  </message>
  <message>
   <location filename="../processing_provider/raster_frames.py" />
   <source>Heights</source>
   <translation>Höhen</translation>
  </message>
  <message>
   <location filename="../processing_provider/raster_frames.py" />
   <source>Tolerance (m)</source>
   <translation>Toleranz (m)</translation>
  </message>
  <message>
   <location filename="../processing_provider/raster_frames.py" />
   <source>Resample beyond the tolerance</source>
   <translation>Jenseits der Toleranz umrechnen</translation>
  </message>
  <message>
   <location filename="../processing_provider/raster_frames.py" />
   <source>Translation along x (map units)</source>
   <translation>Translation längs x (Karteneinheiten)</translation>
  </message>
  <message>
   <location filename="../processing_provider/raster_frames.py" />
   <source>Translation along y (map units)</source>
   <translation>Translation längs y (Karteneinheiten)</translation>
  </message>
  <message>
   <location filename="../processing_provider/raster_frames.py" />
   <source>Mean height displacement (m)</source>
   <translation>Mittlere Höhenverschiebung (m)</translation>
  </message>
  <message>
   <location filename="../processing_provider/raster_frames.py" />
   <source>Mean displacement east (m)</source>
   <translation>Mittlere Verschiebung nach Ost (m)</translation>
  </message>
  <message>
   <location filename="../processing_provider/raster_frames.py" />
   <source>Mean displacement north (m)</source>
   <translation>Mittlere Verschiebung nach Nord (m)</translation>
  </message>
  <message>
   <location filename="../processing_provider/raster_frames.py" />
   <source>Largest distance from the translation (m)</source>
   <translation>Größter Abstand von der Translation (m)</translation>
  </message>
  <message>
   <location filename="../processing_provider/raster_frames.py" />
   <source>The displacement varies by {residual:.3g} m over the raster, so its cells were resampled: detail is lost that tiles would keep.</source>
   <translation>Die Verschiebung schwankt über das Raster um {residual:.3g} m, daher wurden seine Zellen umgerechnet: Einzelheiten gehen verloren, die Kacheln behielten.</translation>
  </message>
  <message>
   <location filename="../processing_provider/raster_frames.py" />
   <source>The file states the coordinate epoch {stated:g}, but EPOCH={epoch:g} was used.</source>
   <translation>Die Datei gibt die Koordinatenepoche {stated:g} an, verwendet wurde aber EPOCH={epoch:g}.</translation>
  </message>
  <message>
   <location filename="../processing_provider/raster_frames.py" />
   <source>The height displacement was added to band 1 only, not to the other {count}.</source>
   <translation>Die Höhenverschiebung wurde nur zu Kanal 1 addiert, nicht zu den anderen {count}.</translation>
  </message>
  <message>
   <location filename="../processing_provider/raster_frames.py" />
   <source>The raster lies {distance:.0f} km from a plate boundary, where the ground does not move as a rigid plate: a measured velocity (MODEL=VELOCITY) may be better.</source>
   <translation>Das Raster liegt {distance:.0f} km von einer Plattengrenze entfernt, wo sich der Boden nicht wie eine starre Platte bewegt: Eine gemessene Geschwindigkeit (MODEL=VELOCITY) ist vielleicht besser.</translation>
  </message>
  <message>
   <location filename="../processing_provider/ready_models.py" />
   <source>Models</source>
   <translation>Modelle</translation>
  </message>
  <message>
   <location filename="../processing_provider/ready_models.py" />
   <source>Altimetry to one frame and epoch</source>
   <translation>Altimetrie auf einen Bezugsrahmen und eine Epoche</translation>
  </message>
  <message>
   <location filename="../processing_provider/ready_models.py" />
   <source>Points to a frame and epoch</source>
   <translation>Punkte auf Bezugsrahmen und Epoche</translation>
  </message>
  <message>
   <location filename="../processing_provider/ready_models.py" />
   <source>DEM pair made comparable</source>
   <translation>Paar von Höhenmodellen vergleichbar machen</translation>
  </message>
  <message>
   <location filename="../processing_provider/ready_models.py" />
   <source>Series of DEMs onto one reference</source>
   <translation>Serie von Höhenmodellen auf eine Referenz</translation>
  </message>
  <message>
   <location filename="../processing_provider/ready_models.py" />
   <source>The model's file cannot be read: install Common Ground anew.</source>
   <translation>Die Datei des Modells kann nicht gelesen werden: Installieren Sie Common Ground neu.</translation>
  </message>
  <message>
   <location filename="../processing_provider/reframe_itrf.py" />
   <source>Reframe ITRF</source>
   <translation>ITRF umrechnen</translation>
  </message>
  <message>
   <location filename="../processing_provider/reframe_itrf.py" />
   <source>Transforms features between realizations of terrestrial reference frames, each with its own epoch, and with a target epoch also along plate motion or a velocity.

The Helmert parameters are evaluated at the epoch of each feature. The frame that is named overrides the layer's datum; projection and attributes are kept. Anything that cannot be resolved stops the run before a file is written.</source>
   <translation>Rechnet Objekte zwischen Realisierungen terrestrischer Bezugsrahmen um, jedes mit seiner eigenen Epoche, und mit einer Zielepoche auch längs der Plattenbewegung oder einer Geschwindigkeit.

Die Helmert-Parameter gelten für die Epoche jedes Objekts. Der genannte Rahmen geht dem Datum des Layers vor; Projektion und Attribute bleiben. Was nicht geklärt werden kann, hält den Lauf an, bevor eine Datei geschrieben wird.</translation>
  </message>
  <message>
   <location filename="../processing_provider/reframe_itrf_raster.py" />
   <source>Reframe ITRF (raster)</source>
   <translation>ITRF umrechnen (Raster)</translation>
  </message>
  <message>
   <location filename="../processing_provider/reframe_itrf_raster.py" />
   <source>Moves a DEM between realizations of terrestrial reference frames, and with a target epoch also along plate motion or a velocity.

The raster is moved by its georeference and its heights by a plane: nothing is resampled. The largest distance from the true displacement is reported, and refused beyond the tolerance.</source>
   <translation>Bewegt ein Höhenmodell zwischen Realisierungen terrestrischer Bezugsrahmen, und mit einer Zielepoche auch längs der Plattenbewegung oder einer Geschwindigkeit.

Das Raster wird durch seine Georeferenz bewegt und seine Höhen durch eine Ebene: Nichts wird umgerechnet. Der größte Abstand von der wahren Verschiebung wird berichtet und jenseits der Toleranz abgelehnt.</translation>
  </message>
  <message>
   <location filename="../processing_provider/refusals.py" />
   <source>a whole number</source>
   <translation>eine ganze Zahl</translation>
  </message>
  <message>
   <location filename="../processing_provider/refusals.py" />
   <source>a number</source>
   <translation>eine Zahl</translation>
  </message>
  <message>
   <location filename="../processing_provider/refusals.py" />
   <source>{name}: '{value}' is not known; choose one of {choices}.</source>
   <translation>{name}: '{value}' ist nicht bekannt; wählen Sie eines von {choices}.</translation>
  </message>
  <message>
   <location filename="../processing_provider/refusals.py" />
   <source>{name}: '{value}' cannot be used; give {kind}.</source>
   <translation>{name}: '{value}' kann nicht verwendet werden; geben Sie {kind} an.</translation>
  </message>
  <message>
   <location filename="../processing_provider/refusals.py" />
   <source>raster</source>
   <translation>ein Raster</translation>
  </message>
  <message>
   <location filename="../processing_provider/refusals.py" />
   <source>vector layer</source>
   <translation>einen Vektorlayer</translation>
  </message>
  <message>
   <location filename="../processing_provider/refusals.py" />
   <source>{kind} from {least:g} to {most:g}</source>
   <translation>{kind} von {least:g} bis {most:g}</translation>
  </message>
  <message>
   <location filename="../processing_provider/refusals.py" />
   <source>{name}: {reason}: choose another {kind}.</source>
   <translation>{name}: {reason}: Wählen Sie stattdessen {kind}.</translation>
  </message>
  <message>
   <location filename="../processing_provider/refusals.py" />
   <source>{kind} of at least {least:g}</source>
   <translation>{kind} von mindestens {least:g}</translation>
  </message>
  <message>
   <location filename="../processing_provider/refusals.py" />
   <source>{name} is missing: choose a {kind}.</source>
   <translation>{name} fehlt: Wählen Sie {kind}.</translation>
  </message>
  <message>
   <location filename="../processing_provider/refusals.py" />
   <source>{name}: there is no layer or file {value}: choose another {kind}.</source>
   <translation>{name}: Einen Layer oder eine Datei {value} gibt es nicht: Wählen Sie stattdessen {kind}.</translation>
  </message>
  <message>
   <location filename="../processing_provider/refusals.py" />
   <source>{path} cannot be read</source>
   <translation>{path} kann nicht gelesen werden</translation>
  </message>
  <message>
   <location filename="../processing_provider/styling.py" />
   <source>used</source>
   <translation>verwendet</translation>
  </message>
  <message>
   <location filename="../processing_provider/styling.py" />
   <source>downweighted</source>
   <translation>abgewertet</translation>
  </message>
  <message>
   <location filename="../processing_provider/styling.py" />
   <source>rejected</source>
   <translation>verworfen</translation>
  </message>
  <message>
   <location filename="../processing_provider/styling.py" />
   <source>filled</source>
   <translation>gefüllt</translation>
  </message>
  <message>
   <location filename="../processing_provider/styling.py" />
   <source>done</source>
   <translation>fertig</translation>
  </message>
  <message>
   <location filename="../processing_provider/styling.py" />
   <source>unchanged</source>
   <translation>unverändert</translation>
  </message>
  <message>
   <location filename="../processing_provider/styling.py" />
   <source>refused</source>
   <translation>abgelehnt</translation>
  </message>
  <message>
   <location filename="../processing_provider/styling.py" />
   <source>{status}: {count}, up to {longest} m</source>
   <translation>{status}: {count}, bis {longest} m</translation>
  </message>
  <message>
   <location filename="../processing_provider/styling.py" />
   <source>{status}: none</source>
   <translation>{status}: keine</translation>
  </message>
  <message>
   <location filename="../processing_provider/vector_frames.py" />
   <source>Features of any geometry. Z, or the height field, is the ellipsoidal height in metres.</source>
   <translation>Objekte jeder Geometrie. Z oder das Höhenfeld ist die ellipsoidische Höhe in Metern.</translation>
  </message>
  <message>
   <location filename="../processing_provider/vector_frames.py" />
   <source>The frame realization of the coordinates; it overrides the layer's datum. Empty: the frame that the layer's CRS names.</source>
   <translation>Die Realisierung des Bezugsrahmens der Koordinaten; sie geht dem Datum des Layers vor. Leer: der Rahmen, den das KBS des Layers nennt.</translation>
  </message>
  <message>
   <location filename="../processing_provider/vector_frames.py" />
   <source>Field with the frame</source>
   <translation>Feld mit dem Bezugsrahmen</translation>
  </message>
  <message>
   <location filename="../processing_provider/vector_frames.py" />
   <source>Each feature's own frame.</source>
   <translation>Der eigene Bezugsrahmen jedes Objekts.</translation>
  </message>
  <message>
   <location filename="../processing_provider/vector_frames.py" />
   <source>Epoch of the coordinates</source>
   <translation>Epoche der Koordinaten</translation>
  </message>
  <message>
   <location filename="../processing_provider/vector_frames.py" />
   <source>When the coordinates were observed: decimal year (2018.5) or ISO date (2018-07-02).</source>
   <translation>Wann die Koordinaten beobachtet wurden: Dezimaljahr (2018.5) oder ISO-Datum (2018-07-02).</translation>
  </message>
  <message>
   <location filename="../processing_provider/vector_frames.py" />
   <source>Field with the epoch</source>
   <translation>Feld mit der Epoche</translation>
  </message>
  <message>
   <location filename="../processing_provider/vector_frames.py" />
   <source>Each feature's own epoch: date, datetime, number or text.</source>
   <translation>Die eigene Epoche jedes Objekts: Datum, Zeitpunkt, Zahl oder Text.</translation>
  </message>
  <message>
   <location filename="../processing_provider/vector_frames.py" />
   <source>Field with the ellipsoidal height (m)</source>
   <translation>Feld mit der ellipsoidischen Höhe (m)</translation>
  </message>
  <message>
   <location filename="../processing_provider/vector_frames.py" />
   <source>For layers whose height is an attribute; it is updated. Empty: the geometry's Z, else 0.</source>
   <translation>Für Layer, deren Höhe ein Attribut ist; es wird nachgeführt. Leer: das Z der Geometrie, sonst 0.</translation>
  </message>
  <message>
   <location filename="../processing_provider/vector_frames.py" />
   <source>stop: nothing is written and their ids are named. skip: they are left out and counted.</source>
   <translation>stop: Nichts wird geschrieben, die Kennungen werden genannt. skip: Sie werden ausgelassen und gezählt.</translation>
  </message>
  <message>
   <location filename="../processing_provider/vector_frames.py" />
   <source>The features, with the fields frame, epoch, model, plate, d_east, d_north, d_up (m).</source>
   <translation>Die Objekte mit den Feldern frame, epoch, model, plate, d_east, d_north, d_up (m).</translation>
  </message>
  <message>
   <location filename="../processing_provider/vector_frames.py" />
   <source>Input layer</source>
   <translation>Eingabelayer</translation>
  </message>
  <message>
   <location filename="../processing_provider/vector_frames.py" />
   <source>The epoch to move the coordinates to. Empty: each feature keeps its own.</source>
   <translation>Die Epoche, auf die die Koordinaten bewegt werden. Leer: Jedes Objekt behält seine eigene.</translation>
  </message>
  <message>
   <location filename="../processing_provider/vector_frames.py" />
   <source>The epoch to move the coordinates to.</source>
   <translation>Die Epoche, auf die die Koordinaten bewegt werden.</translation>
  </message>
  <message>
   <location filename="../processing_provider/vector_frames.py" />
   <source>Features without epoch, frame or plate</source>
   <translation>Objekte ohne Epoche, Bezugsrahmen oder Platte</translation>
  </message>
  <message>
   <location filename="../processing_provider/vector_frames.py" />
   <source>Moved features</source>
   <translation>Bewegte Objekte</translation>
  </message>
  <message>
   <location filename="../processing_provider/vector_frames.py" />
   <source>Features written</source>
   <translation>Geschriebene Objekte</translation>
  </message>
  <message>
   <location filename="../processing_provider/vector_frames.py" />
   <source>Features left out</source>
   <translation>Ausgelassene Objekte</translation>
  </message>
  <message>
   <location filename="../processing_provider/vector_frames.py" />
   <source>Largest displacement of a vertex (m)</source>
   <translation>Größte Verschiebung eines Stützpunkts (m)</translation>
  </message>
  <message>
   <location filename="../processing_provider/vector_frames.py" />
   <source>Mean displacement up (m)</source>
   <translation>Mittlere Verschiebung nach oben (m)</translation>
  </message>
  <message>
   <location filename="../ui/block_table.py" />
   <source>all blocks</source>
   <translation>alle Blöcke</translation>
  </message>
  <message>
   <location filename="../ui/block_table.py" />
   <source>Row of the block, from the north</source>
   <translation>Zeile des Blocks, von Norden</translation>
  </message>
  <message>
   <location filename="../ui/block_table.py" />
   <source>Column of the block, from the west</source>
   <translation>Spalte des Blocks, von Westen</translation>
  </message>
  <message>
   <location filename="../ui/block_table.py" />
   <source>What the shift field made of the block</source>
   <translation>Was das Verschiebungsfeld aus dem Block gemacht hat</translation>
  </message>
  <message>
   <location filename="../ui/block_table.py" />
   <source>Shift east (m), to add to the secondary</source>
   <translation>Verschiebung nach Ost (m), zum sekundären Modell zu addieren</translation>
  </message>
  <message>
   <location filename="../ui/block_table.py" />
   <source>Shift north (m), to add to the secondary</source>
   <translation>Verschiebung nach Nord (m), zum sekundären Modell zu addieren</translation>
  </message>
  <message>
   <location filename="../ui/block_table.py" />
   <source>Shift up (m), to add to the secondary</source>
   <translation>Verschiebung nach oben (m), zum sekundären Modell zu addieren</translation>
  </message>
  <message>
   <location filename="../ui/block_table.py" />
   <source>One standard deviation of dx (m)</source>
   <translation>Eine Standardabweichung von dx (m)</translation>
  </message>
  <message>
   <location filename="../ui/block_table.py" />
   <source>One standard deviation of dy (m)</source>
   <translation>Eine Standardabweichung von dy (m)</translation>
  </message>
  <message>
   <location filename="../ui/block_table.py" />
   <source>One standard deviation of dz (m)</source>
   <translation>Eine Standardabweichung von dz (m)</translation>
  </message>
  <message>
   <location filename="../ui/block_table.py" />
   <source>NMAD of dh in the block before (m)</source>
   <translation>NMAD von dh im Block vorher (m)</translation>
  </message>
  <message>
   <location filename="../ui/block_table.py" />
   <source>NMAD of dh in the block after (m)</source>
   <translation>NMAD von dh im Block nachher (m)</translation>
  </message>
  <message>
   <location filename="../ui/block_table.py" />
   <source>Stable cells</source>
   <translation>Stabile Zellen</translation>
  </message>
  <message>
   <location filename="../ui/block_table.py" />
   <source>Mean slope of the stable cells (degrees)</source>
   <translation>Mittlere Neigung der stabilen Zellen (Grad)</translation>
  </message>
  <message>
   <location filename="../ui/block_table.py" />
   <source>Why the block has this status</source>
   <translation>Warum der Block diesen Status hat</translation>
  </message>
  <message>
   <location filename="../ui/block_table.py" />
   <source>Show</source>
   <translation>Zeigen</translation>
  </message>
  <message>
   <location filename="../ui/block_table.py" />
   <source>{shown} of {all}</source>
   <translation>{shown} von {all}</translation>
  </message>
  <message>
   <location filename="../ui/dock.py" />
   <source>The coregistrations of this project, newest first</source>
   <translation>Die Koregistrierungen dieses Projekts, die neueste zuerst</translation>
  </message>
  <message>
   <location filename="../ui/dock.py" />
   <source>New…</source>
   <translation>Neu…</translation>
  </message>
  <message>
   <location filename="../ui/dock.py" />
   <source>Open Blockwise Coregister</source>
   <translation>Blockweise koregistrieren öffnen</translation>
  </message>
  <message>
   <location filename="../ui/dock.py" />
   <source>Export…</source>
   <translation>Exportieren…</translation>
  </message>
  <message>
   <location filename="../ui/dock.py" />
   <source>Save the figures of this run as PDF or PNG, or its blocks as CSV</source>
   <translation>Die Abbildungen dieses Laufs als PDF oder PNG sichern, oder seine Blöcke als CSV</translation>
  </message>
  <message>
   <location filename="../ui/dock.py" />
   <source>Save the run</source>
   <translation>Den Lauf sichern</translation>
  </message>
  <message>
   <location filename="../ui/dock.py" />
   <source>PDF, all figures (*.pdf);;PNG, a file each (*.png);;CSV, the blocks (*.csv)</source>
   <translation>PDF, alle Abbildungen (*.pdf);;PNG, je eine Datei (*.png);;CSV, die Blöcke (*.csv)</translation>
  </message>
  <message>
   <location filename="../ui/dock.py" />
   <source>Saving…</source>
   <translation>Wird gesichert…</translation>
  </message>
  <message>
   <location filename="../ui/dock.py" />
   <source>Saved: {path}</source>
   <translation>Gesichert: {path}</translation>
  </message>
  <message>
   <location filename="../ui/dock.py" />
   <source>No coregistration in this project yet. Run Blockwise Coregister on two DEMs and load its shifts layer: what it found and how much better the DEMs agree appears here.</source>
   <translation>Noch keine Koregistrierung in diesem Projekt. Führen Sie Blockweise koregistrieren mit zwei Höhenmodellen aus und laden Sie den Verschiebungslayer: Was gefunden wurde und wie viel besser die Modelle übereinstimmen, erscheint hier.</translation>
  </message>
  <message>
   <location filename="../ui/dock.py" />
   <source>Blockwise Coregister…</source>
   <translation>Blockweise koregistrieren…</translation>
  </message>
  <message>
   <location filename="../ui/dock.py" />
   <source>Shifts</source>
   <translation>Verschiebungen</translation>
  </message>
  <message>
   <location filename="../ui/dock.py" />
   <source>Differences</source>
   <translation>Differenzen</translation>
  </message>
  <message>
   <location filename="../ui/dock.py" />
   <source>On the map</source>
   <translation>Auf der Karte</translation>
  </message>
  <message>
   <location filename="../ui/dock.py" />
   <source>before</source>
   <translation>vorher</translation>
  </message>
  <message>
   <location filename="../ui/dock.py" />
   <source>after</source>
   <translation>nachher</translation>
  </message>
  <message>
   <location filename="../ui/dock.py" />
   <source>Block {row}, {col}: {status}</source>
   <translation>Block {row}, {col}: {status}</translation>
  </message>
  <message>
   <location filename="../ui/dock.py" />
   <source>east</source>
   <translation>Ost</translation>
  </message>
  <message>
   <location filename="../ui/dock.py" />
   <source>north</source>
   <translation>Nord</translation>
  </message>
  <message>
   <location filename="../ui/dock.py" />
   <source>up</source>
   <translation>oben</translation>
  </message>
  <message>
   <location filename="../ui/dock.py" />
   <source>Show the difference {state} and hide the other</source>
   <translation>Die Differenz {state} zeigen und die andere verbergen</translation>
  </message>
  <message>
   <location filename="../ui/dock.py" />
   <source>median {values} m</source>
   <translation>Median {values} m</translation>
  </message>
  <message>
   <location filename="../ui/dock.py" />
   <source>global shift E {east} N {north} up {up} m</source>
   <translation>globale Verschiebung O {east} N {north} oben {up} m</translation>
  </message>
  <message>
   <location filename="../ui/dock.py" />
   <source>{used} of {total} blocks used</source>
   <translation>{used} von {total} Blöcken verwendet</translation>
  </message>
  <message>
   <location filename="../ui/make_comparable.py" />
   <source>Make comparable</source>
   <translation>Vergleichbar machen</translation>
  </message>
  <message>
   <location filename="../ui/make_comparable.py" />
   <source>DEMs</source>
   <translation>Höhenmodelle</translation>
  </message>
  <message>
   <location filename="../ui/make_comparable.py" />
   <source>Polygons to leave out: glaciers, landslides, water, forest</source>
   <translation>Auszulassende Polygone: Gletscher, Rutschungen, Wasser, Wald</translation>
  </message>
  <message>
   <location filename="../ui/make_comparable.py" />
   <source>&amp;Unstable terrain</source>
   <translation>&amp;Instabiles Gelände</translation>
  </message>
  <message>
   <location filename="../ui/make_comparable.py" />
   <source>What is known</source>
   <translation>Was bekannt ist</translation>
  </message>
  <message>
   <location filename="../ui/make_comparable.py" />
   <source>by its outline</source>
   <translation>nach ihrem Umriss</translation>
  </message>
  <message>
   <location filename="../ui/make_comparable.py" />
   <source>&amp;Plate</source>
   <translation>&amp;Platte</translation>
  </message>
  <message>
   <location filename="../ui/make_comparable.py" />
   <source>What will be done</source>
   <translation>Was getan wird</translation>
  </message>
  <message>
   <location filename="../ui/make_comparable.py" />
   <source>Results in &amp;folder</source>
   <translation>Ergebnisse in &amp;Ordner</translation>
  </message>
  <message>
   <location filename="../ui/make_comparable.py" />
   <source>Ru&amp;n</source>
   <translation>&amp;Ausführen</translation>
  </message>
  <message>
   <location filename="../ui/make_comparable.py" />
   <source>&amp;Cancel</source>
   <translation>Ab&amp;brechen</translation>
  </message>
  <message>
   <location filename="../ui/make_comparable.py" />
   <source>&amp;Open the report</source>
   <translation>Bericht ö&amp;ffnen</translation>
  </message>
  <message>
   <location filename="../ui/make_comparable.py" />
   <source>Stopping…</source>
   <translation>Wird angehalten…</translation>
  </message>
  <message>
   <location filename="../ui/make_comparable.py" />
   <source>&amp;Reference</source>
   <translation>&amp;Referenz</translation>
  </message>
  <message>
   <location filename="../ui/make_comparable.py" />
   <source>The DEM that is taken to lie right</source>
   <translation>Das Höhenmodell, dessen Lage als richtig gilt</translation>
  </message>
  <message>
   <location filename="../ui/make_comparable.py" />
   <source>&amp;Secondary</source>
   <translation>&amp;Sekundär</translation>
  </message>
  <message>
   <location filename="../ui/make_comparable.py" />
   <source>The DEM to move</source>
   <translation>Das zu bewegende Höhenmodell</translation>
  </message>
  <message>
   <location filename="../ui/make_comparable.py" />
   <source>CRS</source>
   <translation>KBS</translation>
  </message>
  <message>
   <location filename="../ui/make_comparable.py" />
   <source>Cell and size</source>
   <translation>Zelle und Größe</translation>
  </message>
  <message>
   <location filename="../ui/make_comparable.py" />
   <source>Heights above</source>
   <translation>Höhen über</translation>
  </message>
  <message>
   <location filename="../ui/make_comparable.py" />
   <source>Fr&amp;ame</source>
   <translation>Be&amp;zugsrahmen</translation>
  </message>
  <message>
   <location filename="../ui/make_comparable.py" />
   <source>&amp;Epoch</source>
   <translation>&amp;Epoche</translation>
  </message>
  <message>
   <location filename="../ui/make_comparable.py" />
   <source>Reference</source>
   <translation>Referenz</translation>
  </message>
  <message>
   <location filename="../ui/make_comparable.py" />
   <source>Secondary</source>
   <translation>Sekundär</translation>
  </message>
  <message>
   <location filename="../ui/make_comparable.py" />
   <source>unknown; e.g. 2012.9 or 2012-11-24</source>
   <translation>unbekannt; z. B. 2012.9 oder 2012-11-24</translation>
  </message>
  <message>
   <location filename="../ui/make_comparable.py" />
   <source>Blockwise Coregister in blocks of {size} cells: finds the shift that is left, block by block, and moves the secondary by a smooth field, with a report.</source>
   <translation>Blockweise koregistrieren in Blöcken von {size} Zellen: findet die verbliebene Verschiebung Block für Block und bewegt das sekundäre Modell mit einem glatten Feld, mit Bericht.</translation>
  </message>
  <message>
   <location filename="../ui/make_comparable.py" />
   <source>both are in one frame and epoch already</source>
   <translation>beide sind schon in einem Bezugsrahmen und einer Epoche</translation>
  </message>
  <message>
   <location filename="../ui/make_comparable.py" />
   <source>Choose a folder for the results.</source>
   <translation>Wählen Sie einen Ordner für die Ergebnisse.</translation>
  </message>
  <message>
   <location filename="../ui/make_comparable.py" />
   <source>Coregister</source>
   <translation>Koregistrieren</translation>
  </message>
  <message>
   <location filename="../ui/make_comparable.py" />
   <source>NMAD {before} m → {after} m on stable terrain</source>
   <translation>NMAD {before} m → {after} m auf stabilem Gelände</translation>
  </message>
  <message>
   <location filename="../ui/make_comparable.py" />
   <source>Overlap: {share} % of the secondary lies on the reference.</source>
   <translation>Überlappung: {share} % des sekundären Modells liegen auf der Referenz.</translation>
  </message>
  <message>
   <location filename="../ui/make_comparable.py" />
   <source>The plate whose motion is used between the epochs ({model})</source>
   <translation>Die Platte, deren Bewegung zwischen den Epochen gilt ({model})</translation>
  </message>
  <message>
   <location filename="../ui/make_comparable.py" />
   <source>Load two DEMs into the project first: they are chosen here.</source>
   <translation>Laden Sie zuerst zwei Höhenmodelle in das Projekt: Hier werden sie ausgewählt.</translation>
  </message>
  <message>
   <location filename="../ui/make_comparable.py" />
   <source>not declared</source>
   <translation>nicht angegeben</translation>
  </message>
  <message>
   <location filename="../ui/make_comparable.py" />
   <source>Reframe</source>
   <translation>Umrechnen</translation>
  </message>
  <message>
   <location filename="../ui/make_comparable.py" />
   <source>Cancelled: nothing was added to the project.</source>
   <translation>Abgebrochen: Nichts wurde zum Projekt hinzugefügt.</translation>
  </message>
  <message>
   <location filename="../ui/make_comparable.py" />
   <source>Expected shift by frames and plate motion ({plate}): east {east} m, north {north} m, up {up} m.</source>
   <translation>Nach Bezugsrahmen und Plattenbewegung erwartete Verschiebung ({plate}): Ost {east} m, Nord {north} m, oben {up} m.</translation>
  </message>
  <message>
   <location filename="../ui/make_comparable.py" />
   <source>The CRS of {names} names no realization: choose a frame above if you know it.</source>
   <translation>Das KBS nennt keine Realisierung ({names}): Wählen Sie oben einen Bezugsrahmen, wenn Sie ihn kennen.</translation>
  </message>
  <message>
   <location filename="../ui/make_comparable.py" />
   <source>{cell} m, {size} cells</source>
   <translation>{cell} m, {size} Zellen</translation>
  </message>
  <message>
   <location filename="../ui/make_comparable.py" />
   <source>Reframe the secondary from {before} to {after}, without resampling</source>
   <translation>Das sekundäre Modell von {before} nach {after} bringen, ohne Umrechnung der Zellen</translation>
  </message>
  <message>
   <location filename="../ui/make_comparable.py" />
   <source>The ground moves here by {speed} cm a year (plate {plate}).</source>
   <translation>Der Boden bewegt sich hier um {speed} cm im Jahr (Platte {plate}).</translation>
  </message>
  <message>
   <location filename="../ui/make_comparable.py" />
   <source>No step of geodesy ({reason}).</source>
   <translation>Kein geodätischer Schritt ({reason}).</translation>
  </message>
  <message>
   <location filename="../ui/make_comparable.py" />
   <source>The folder cannot be made ({reason}): choose another one.</source>
   <translation>Der Ordner kann nicht angelegt werden ({reason}): Wählen Sie einen anderen.</translation>
  </message>
  <message>
   <location filename="../ui/make_comparable.py" />
   <source> and </source>
   <translation> und </translation>
  </message>
  <message>
   <location filename="../ui/pair_facts.py" />
   <source>The reference</source>
   <translation>Die Referenz</translation>
  </message>
  <message>
   <location filename="../ui/pair_facts.py" />
   <source>The secondary</source>
   <translation>Das sekundäre Modell</translation>
  </message>
  <message>
   <location filename="../ui/pair_facts.py" />
   <source>Both are the same file: choose another secondary DEM.</source>
   <translation>Beide sind dieselbe Datei: Wählen Sie ein anderes sekundäres Höhenmodell.</translation>
  </message>
  <message>
   <location filename="../ui/pair_facts.py" />
   <source>The two DEMs do not overlap: choose DEMs of one place, or check their CRS.</source>
   <translation>Die beiden Höhenmodelle überlappen nicht: Wählen Sie Modelle desselben Ortes oder prüfen Sie ihr KBS.</translation>
  </message>
  <message>
   <location filename="../ui/pair_facts.py" />
   <source>the ellipsoid</source>
   <translation>dem Ellipsoid</translation>
  </message>
  <message>
   <location filename="../ui/pair_facts.py" />
   <source>the secondary lies on several plates, {plates}: choose one</source>
   <translation>das sekundäre Modell liegt auf mehreren Platten, {plates}: Wählen Sie eine</translation>
  </message>
  <message>
   <location filename="../ui/pair_facts.py" />
   <source>frame or epoch unknown for {names}</source>
   <translation>Bezugsrahmen oder Epoche unbekannt für {names}</translation>
  </message>
  <message>
   <location filename="../ui/run_chain.py" />
   <source>The log (Processing) says why.</source>
   <translation>Das Protokoll (Verarbeitung) sagt, warum.</translation>
  </message>
  <message>
   <location filename="../ui/shift_here.py" />
   <source>decimal year (2018.5) or ISO date (2018-07-02)</source>
   <translation>Dezimaljahr (2018.5) oder ISO-Datum (2018-07-02)</translation>
  </message>
  <message>
   <location filename="../ui/shift_here.py" />
   <source>longitude, latitude in degrees, and height in m if known</source>
   <translation>Länge, Breite in Grad und, wenn bekannt, Höhe in m</translation>
  </message>
  <message>
   <location filename="../ui/shift_here.py" />
   <source>Pick on the map</source>
   <translation>Auf der Karte wählen</translation>
  </message>
  <message>
   <location filename="../ui/shift_here.py" />
   <source>East</source>
   <translation>Ost</translation>
  </message>
  <message>
   <location filename="../ui/shift_here.py" />
   <source>North</source>
   <translation>Nord</translation>
  </message>
  <message>
   <location filename="../ui/shift_here.py" />
   <source>Up</source>
   <translation>Oben</translation>
  </message>
  <message>
   <location filename="../ui/shift_here.py" />
   <source>Horizontal</source>
   <translation>Horizontal</translation>
  </message>
  <message>
   <location filename="../ui/shift_here.py" />
   <source>Point</source>
   <translation>Punkt</translation>
  </message>
  <message>
   <location filename="../ui/shift_here.py" />
   <source>From</source>
   <translation>Von</translation>
  </message>
  <message>
   <location filename="../ui/shift_here.py" />
   <source>To</source>
   <translation>Nach</translation>
  </message>
  <message>
   <location filename="../ui/shift_here.py" />
   <source>none</source>
   <translation>keine</translation>
  </message>
  <message>
   <location filename="../ui/shift_here.py" />
   <source>{hint}; empty: the same</source>
   <translation>{hint}; leer: dasselbe</translation>
  </message>
  <message>
   <location filename="../ui/shift_here.py" />
   <source>Type a longitude and a latitude, or pick a point on the map.</source>
   <translation>Geben Sie Länge und Breite ein oder wählen Sie einen Punkt auf der Karte.</translation>
  </message>
  <message>
   <location filename="../ui/shift_here.py" />
   <source>The same in PROJ, for cct (longitude latitude height {epoch:.10g}):</source>
   <translation>Dasselbe in PROJ, für cct (Länge Breite Höhe {epoch:.10g}):</translation>
  </message>
 </context>
</TS>
