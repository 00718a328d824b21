<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE TS>
<TS version="2.1" language="de_DE">
<context>
    <name>MedSegDL</name>
    <message>
        <source>A click shows the lesion in the slice views. The longest diameter in an axial plane, and the longest one across it.</source>
        <translation>Ein Klick zeigt die Läsion in den Schichtansichten. Der längste Durchmesser in einer axialen Ebene und der längste senkrecht dazu.</translation>
    </message>
    <message>
        <source>Accurate averages over mirrored images and takes several times as long. Automatic does what the network was made for: networks that were added average where their origin does, those that are shipped do not.</source>
        <translation>„Genau“ mittelt über gespiegelte Bilder und dauert ein Mehrfaches. „Automatisch“ tut, wofür das Netz gemacht wurde: hinzugefügte Netze mitteln, wo ihr Ursprung es tut, die mitgelieferten nicht.</translation>
    </message>
    <message>
        <source>Advanced</source>
        <translation>Erweitert</translation>
    </message>
    <message>
        <source>Also give a volume that is bright where the network is undecided.</source>
        <translation>Auch ein Volumen ausgeben, das hell ist, wo das Netz unentschieden ist.</translation>
    </message>
    <message>
        <source>Automatic takes the GPU where there is one.</source>
        <translation>„Automatisch“ nimmt die GPU, wo es eine gibt.</translation>
    </message>
    <message>
        <source>Bias correction (N4):</source>
        <translation>Bias-Korrektur (N4):</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>Abbrechen</translation>
    </message>
    <message>
        <source>Copy as text</source>
        <translation>Text kopieren</translation>
    </message>
    <message>
        <source>Copy log</source>
        <translation>Protokoll kopieren</translation>
    </message>
    <message>
        <source>Copy the log to the clipboard, for a report of a fault. It may hold names of volumes: read it before you send it.</source>
        <translation>Das Protokoll in die Zwischenablage kopieren, um einen Fehler zu melden. Es kann Namen von Volumen enthalten: vor dem Senden lesen.</translation>
    </message>
    <message>
        <source>Copy volumes and lesions to the clipboard, for a report.</source>
        <translation>Volumina und Läsionen für einen Befund in die Zwischenablage kopieren.</translation>
    </message>
    <message>
        <source>Device:</source>
        <translation>Gerät:</translation>
    </message>
    <message>
        <source>Edit</source>
        <translation>Bearbeiten</translation>
    </message>
    <message>
        <source>Even out the slow brightness changes of MR images before segmenting. CT and microscopy never need it.</source>
        <translation>Langsame Helligkeitsschwankungen von MR-Bildern vor dem Segmentieren ausgleichen. CT und Mikroskopie brauchen es nie.</translation>
    </message>
    <message>
        <source>Fill the inputs anew: each volume's kind is guessed from its DICOM tags and its name. Check the guess.</source>
        <translation>Die Eingaben neu füllen: die Art jedes Volumens wird aus seinen DICOM-Feldern und seinem Namen erraten. Bitte prüfen.</translation>
    </message>
    <message>
        <source>Guess again</source>
        <translation>Neu zuordnen</translation>
    </message>
    <message>
        <source>Inputs</source>
        <translation>Eingaben</translation>
    </message>
    <message>
        <source>Install PyTorch into Slicer</source>
        <translation>PyTorch in Slicer installieren</translation>
    </message>
    <message>
        <source>Install PyTorch into Slicer's own Python through the extension PyTorch.</source>
        <translation>PyTorch über die Erweiterung PyTorch in Slicers eigenes Python installieren.</translation>
    </message>
    <message>
        <source>Install PyTorch into a folder of MedSegDL's own. Slicer and its other extensions stay as they are.</source>
        <translation>PyTorch in einen eigenen Ordner von MedSegDL installieren. Slicer und seine anderen Erweiterungen bleiben, wie sie sind.</translation>
    </message>
    <message>
        <source>Log</source>
        <translation>Protokoll</translation>
    </message>
    <message>
        <source>Make private environment</source>
        <translation>Eigene Umgebung anlegen</translation>
    </message>
    <message>
        <source>MedSegDL</source>
        <translation>MedSegDL</translation>
    </message>
    <message>
        <source>Network:</source>
        <translation>Netz:</translation>
    </message>
    <message>
        <source>New segmentation</source>
        <translation>Neue Segmentierung</translation>
    </message>
    <message>
        <source>Open the Segment Editor on this segmentation and its input.</source>
        <translation>Den Segment Editor mit dieser Segmentierung und ihrer Eingabe öffnen.</translation>
    </message>
    <message>
        <source>Outputs</source>
        <translation>Ausgaben</translation>
    </message>
    <message>
        <source>Packages from:</source>
        <translation>Pakete aus:</translation>
    </message>
    <message>
        <source>Remove</source>
        <translation>Entfernen</translation>
    </message>
    <message>
        <source>Remove the private environment and what was downloaded for it.</source>
        <translation>Die eigene Umgebung entfernen, mit allem, was dafür heruntergeladen wurde.</translation>
    </message>
    <message>
        <source>Research use only - not a medical device.</source>
        <translation>Nur für die Forschung - kein Medizinprodukt.</translation>
    </message>
    <message>
        <source>Segment</source>
        <translation>Segmentieren</translation>
    </message>
    <message>
        <source>Segmentation:</source>
        <translation>Segmentierung:</translation>
    </message>
    <message>
        <source>Segments brain tumours in MR, the liver and its tumours in CT, and cell nuclei in microscopy pictures with inception U-Nets. Research use only - not a medical device.</source>
        <translation>Segmentiert Hirntumoren im MR, die Leber und ihre Tumoren im CT und Zellkerne in Mikroskopiebildern mit Inception-U-Netzen. Nur für die Forschung - kein Medizinprodukt.</translation>
    </message>
    <message>
        <source>Show the segments as surfaces in the 3-D views; the menu has how smooth they are.</source>
        <translation>Die Segmente als Oberflächen in den 3D-Ansichten zeigen; im Menü steht, wie glatt.</translation>
    </message>
    <message>
        <source>Speed:</source>
        <translation>Tempo:</translation>
    </message>
    <message>
        <source>Stop at once. Nothing is written.</source>
        <translation>Sofort anhalten. Nichts wird geschrieben.</translation>
    </message>
    <message>
        <source>Task:</source>
        <translation>Aufgabe:</translation>
    </message>
    <message>
        <source>The Python that runs the segmentation in a process of its own. Empty: the private environment if there is one, else Slicer's Python. Or paste the address of a server, http://TOKEN@HOST:PORT, as `medsegdl serve` prints it.</source>
        <translation>Das Python, das die Segmentierung in einem eigenen Prozess ausführt. Leer: die eigene Umgebung, wenn es sie gibt, sonst Slicers Python. Oder die Adresse eines Servers, http://TOKEN@HOST:PORT, wie `medsegdl serve` sie ausgibt.</translation>
    </message>
    <message>
        <source>The networks follow the published work of N. S. Punn and S. Agarwal on inception U-Nets.</source>
        <translation>Die Netze folgen den veröffentlichten Arbeiten von N. S. Punn und S. Agarwal über Inception-U-Netze.</translation>
    </message>
    <message>
        <source>The segmentation that is measured here.</source>
        <translation>Die Segmentierung, die hier gemessen wird.</translation>
    </message>
    <message>
        <source>The size of each segment, measured again after each edit. The numbers can be selected and copied.</source>
        <translation>Die Größe jedes Segments, nach jeder Bearbeitung neu gemessen. Die Zahlen lassen sich auswählen und kopieren.</translation>
    </message>
    <message>
        <source>Uncertainty map:</source>
        <translation>Unsicherheitskarte:</translation>
    </message>
    <message>
        <source>Volumes</source>
        <translation>Volumina</translation>
    </message>
    <message>
        <source>What is to be segmented.</source>
        <translation>Was segmentiert werden soll.</translation>
    </message>
    <message>
        <source>What the check of the inputs found.</source>
        <translation>Was die Prüfung der Eingaben ergab.</translation>
    </message>
    <message>
        <source>Where the segments go. A segmentation selected here is overwritten.</source>
        <translation>Wohin die Segmente kommen. Eine hier gewählte Segmentierung wird überschrieben.</translation>
    </message>
    <message>
        <source>Without a network: the folder, or the bundle.json in it, that `medsegdl bundle` made on another machine. The private environment is then made of it, and nothing is downloaded. Empty: from the internet.</source>
        <translation>Ohne Netzwerk: der Ordner, oder die bundle.json darin, den `medsegdl bundle` auf einem anderen Rechner gemacht hat. Die eigene Umgebung wird dann daraus angelegt, nichts wird heruntergeladen. Leer: aus dem Internet.</translation>
    </message>
    <message>
        <source>Worker:</source>
        <translation>Ausführung:</translation>
    </message>
</context>
<context>
    <name>MedSegDL.core</name>
    <message>
        <source>'{key}' is no input of {task}.</source>
        <translation>„{key}“ ist keine Eingabe von: {task}.</translation>
    </message>
    <message>
        <source>'{name}' was drawn on another grid than '{volume}'.</source>
        <translation>„{name}“ wurde auf einem anderen Gitter gezeichnet als „{volume}“.</translation>
    </message>
    <message>
        <source>'{node}' lies under a deforming transform ('{transform}').</source>
        <translation>„{node}“ liegt unter einer verformenden Transformation („{transform}“).</translation>
    </message>
    <message>
        <source>A file of the series cannot be read any more ({error}).</source>
        <translation>Eine Datei der Serie kann nicht mehr gelesen werden ({error}).</translation>
    </message>
    <message>
        <source>A follow-up is for volumes, not for {task}.</source>
        <translation>Eine Verlaufskontrolle gibt es für Volumen, nicht für {task}.</translation>
    </message>
    <message>
        <source>A follow-up needs two or more results of one task.</source>
        <translation>Eine Verlaufskontrolle braucht zwei oder mehr Ergebnisse einer Aufgabe.</translation>
    </message>
    <message>
        <source>A part of {region} smaller than {region2} of the largest is left out ({together}).</source>
        <translation>{region}: ein Teil, der kleiner als {region2} des größten ist, wurde weggelassen ({together}).</translation>
    </message>
    <message>
        <source>A pixel size is for pictures, not for {task}.</source>
        <translation>Eine Pixelgröße gilt für Bilder, nicht für: {task}.</translation>
    </message>
    <message>
        <source>A region holds those inside it. Without overlap: {volumes}.</source>
        <translation>Eine Region enthält die, die in ihr liegen. Ohne Überlappung: {volumes}.</translation>
    </message>
    <message>
        <source>A segmentation is running.</source>
        <translation>Eine Segmentierung läuft.</translation>
    </message>
    <message>
        <source>A server segments, and the files of the series are on this machine.</source>
        <translation>Ein Server segmentiert, und die Dateien der Serie liegen auf diesem Rechner.</translation>
    </message>
    <message>
        <source>A smaller one is in the CSV.</source>
        <translation>Eine kleinere steht in der CSV-Datei.</translation>
    </message>
    <message>
        <source>About {needed} of memory are needed, and {free} are free: the run may be slow or end.</source>
        <translation>Etwa {needed} Arbeitsspeicher werden gebraucht, {free} sind frei: der Lauf kann langsam sein oder abbrechen.</translation>
    </message>
    <message>
        <source>Accurate</source>
        <translation>Genau</translation>
    </message>
    <message>
        <source>An aid to the reader, not a diagnosis: steroids, clinical state, confirmation and lesions that are no targets are not known here.</source>
        <translation>Eine Hilfe für den Befunder, keine Diagnose: Steroide, klinischer Zustand, Bestätigung und Läsionen, die keine Zielläsionen sind, sind hier nicht bekannt.</translation>
    </message>
    <message>
        <source>An unexpected failure ({error}: {error2}).</source>
        <translation>Ein unerwarteter Fehler ({error}: {error2}).</translation>
    </message>
    <message>
        <source>Asking the server</source>
        <translation>Der Server wird gefragt</translation>
    </message>
    <message>
        <source>Automatic</source>
        <translation>Automatisch</translation>
    </message>
    <message>
        <source>Axial</source>
        <translation>Axial</translation>
    </message>
    <message>
        <source>Brain</source>
        <translation>Gehirn</translation>
    </message>
    <message>
        <source>Brain mask (MR)</source>
        <translation>Hirnmaske (MR)</translation>
    </message>
    <message>
        <source>Brain tumour (MR)</source>
        <translation>Hirntumor (MR)</translation>
    </message>
    <message>
        <source>Bringing the images to one grid</source>
        <translation>Die Bilder werden auf ein Gitter gebracht</translation>
    </message>
    <message>
        <source>By diameters</source>
        <translation>Nach Durchmessern</translation>
    </message>
    <message>
        <source>By volume</source>
        <translation>Nach Volumen</translation>
    </message>
    <message>
        <source>CPU</source>
        <translation>CPU</translation>
    </message>
    <message>
        <source>CT</source>
        <translation>CT</translation>
    </message>
    <message>
        <source>Cancelled.</source>
        <translation>Abgebrochen.</translation>
    </message>
    <message>
        <source>Cell nuclei (microscopy)</source>
        <translation>Zellkerne (Mikroskopie)</translation>
    </message>
    <message>
        <source>Change</source>
        <translation>Änderung</translation>
    </message>
    <message>
        <source>Change since the first</source>
        <translation>Änderung seit der ersten</translation>
    </message>
    <message>
        <source>Check left and right in both, and convert the wrong one anew.</source>
        <translation>Links und rechts in beiden prüfen und das falsche neu umwandeln.</translation>
    </message>
    <message>
        <source>Check that the inputs are what they were chosen for.</source>
        <translation>Prüfen, ob die Eingaben sind, wofür sie gewählt wurden.</translation>
    </message>
    <message>
        <source>Check that they show the same part of the body and are registered.</source>
        <translation>Prüfen, ob sie dieselbe Körperregion zeigen und registriert sind.</translation>
    </message>
    <message>
        <source>Check the spacing in the header (it is in mm), and that the image is the right one.</source>
        <translation>Den Voxelabstand im Header prüfen (in mm), und ob es das richtige Bild ist.</translation>
    </message>
    <message>
        <source>Checking the bundle</source>
        <translation>Das Bündel wird geprüft</translation>
    </message>
    <message>
        <source>Checking the input</source>
        <translation>Eingaben werden geprüft</translation>
    </message>
    <message>
        <source>Choose a Python instead of the server (Advanced).</source>
        <translation>Wählen Sie statt des Servers ein Python (Erweitert).</translation>
    </message>
    <message>
        <source>Choose a Python of this machine (Advanced), and save again.</source>
        <translation>Wählen Sie ein Python dieses Rechners (Erweitert), und speichern Sie noch einmal.</translation>
    </message>
    <message>
        <source>Choose a Python that has torch in MedSegDL's settings.</source>
        <translation>In den Einstellungen von MedSegDL ein Python mit torch wählen.</translation>
    </message>
    <message>
        <source>Choose a folder made by `medsegdl bundle`, or one with .whl files.</source>
        <translation>Einen Ordner wählen, den `medsegdl bundle` gemacht hat, oder einen mit .whl-Dateien.</translation>
    </message>
    <message>
        <source>Choose a folder of your own.</source>
        <translation>Einen eigenen Ordner wählen.</translation>
    </message>
    <message>
        <source>Choose among {packages}.</source>
        <translation>Wählen unter {packages}.</translation>
    </message>
    <message>
        <source>Choose another Python in MedSegDL's settings.</source>
        <translation>In den Einstellungen von MedSegDL ein anderes Python wählen.</translation>
    </message>
    <message>
        <source>Choose another Python in the settings.</source>
        <translation>In den Einstellungen ein anderes Python wählen.</translation>
    </message>
    <message>
        <source>Choose another file if there should be a picture in it.</source>
        <translation>Eine andere Datei wählen, wenn ein Bild darin sein sollte.</translation>
    </message>
    <message>
        <source>Choose another file.</source>
        <translation>Eine andere Datei wählen.</translation>
    </message>
    <message>
        <source>Choose another file: there is no picture in it.</source>
        <translation>Eine andere Datei wählen: in dieser ist kein Bild.</translation>
    </message>
    <message>
        <source>Choose another folder.</source>
        <translation>Wählen Sie einen anderen Ordner.</translation>
    </message>
    <message>
        <source>Choose another image for one of them, or leave it out.</source>
        <translation>Für eines davon ein anderes Bild wählen oder es weglassen.</translation>
    </message>
    <message>
        <source>Choose the channel with the nuclei and save it alone.</source>
        <translation>Den Kanal mit den Zellkernen wählen und allein speichern.</translation>
    </message>
    <message>
        <source>Choose the folder that holds the .whl files.</source>
        <translation>Den Ordner mit den .whl-Dateien wählen.</translation>
    </message>
    <message>
        <source>Choose the right image for this input.</source>
        <translation>Das richtige Bild für diese Eingabe wählen.</translation>
    </message>
    <message>
        <source>Choose them in the list.</source>
        <translation>Wählen Sie sie in der Liste aus.</translation>
    </message>
    <message>
        <source>Choose weights in Networks.</source>
        <translation>Wählen Sie Gewichte unter Netze.</translation>
    </message>
    <message>
        <source>Click within it.</source>
        <translation>In das Volumen klicken.</translation>
    </message>
    <message>
        <source>Close other programs, choose the device 'cpu', or crop the image to the region of interest.</source>
        <translation>Andere Programme schließen, das Gerät „cpu“ wählen oder das Bild auf die interessierende Region zuschneiden.</translation>
    </message>
    <message>
        <source>Close other programs, crop the image to the region of interest, or use a machine with more memory.</source>
        <translation>Andere Programme schließen, das Bild auf die interessierende Region zuschneiden oder einen Rechner mit mehr Speicher nehmen.</translation>
    </message>
    <message>
        <source>Close other programs, or crop the image to the region of interest.</source>
        <translation>Andere Programme schließen oder das Bild auf die interessierende Region zuschneiden.</translation>
    </message>
    <message>
        <source>Close other programs, or crop the images to the region of interest.</source>
        <translation>Andere Programme schließen oder die Bilder auf die interessierende Region zuschneiden.</translation>
    </message>
    <message>
        <source>Close other programs, or segment a smaller part of the volume.</source>
        <translation>Andere Programme schließen oder einen kleineren Teil des Volumens segmentieren.</translation>
    </message>
    <message>
        <source>Compare pictures by their counts.</source>
        <translation>Vergleichen Sie Bilder anhand ihrer Anzahlen.</translation>
    </message>
    <message>
        <source>Compare the studies again.</source>
        <translation>Die Untersuchungen noch einmal vergleichen.</translation>
    </message>
    <message>
        <source>Copy it from the start of `medsegdl serve`: http://TOKEN@HOST:PORT.</source>
        <translation>Vom Start von `medsegdl serve` kopieren: http://TOKEN@HOST:PORT.</translation>
    </message>
    <message>
        <source>Copy the bundle again, or make it anew with `medsegdl bundle`.</source>
        <translation>Das Bündel neu kopieren oder mit `medsegdl bundle` neu machen.</translation>
    </message>
    <message>
        <source>Coronal</source>
        <translation>Koronal</translation>
    </message>
    <message>
        <source>Correct further results, and save each as a training case.</source>
        <translation>Korrigieren Sie weitere Ergebnisse und speichern Sie jedes als Trainingsfall.</translation>
    </message>
    <message>
        <source>Correct it in the Segment Editor.</source>
        <translation>Im Segment Editor korrigieren.</translation>
    </message>
    <message>
        <source>Correct the bias before normalising.</source>
        <translation>Den Bias vor dem Normieren korrigieren.</translation>
    </message>
    <message>
        <source>Correct the option of the bias correction.</source>
        <translation>Die Option der Bias-Korrektur berichtigen.</translation>
    </message>
    <message>
        <source>Correct the spacing in the header (it is in mm).</source>
        <translation>Den Voxelabstand im Header berichtigen (in mm).</translation>
    </message>
    <message>
        <source>Counted objects</source>
        <translation>Gezählte Objekte</translation>
    </message>
    <message>
        <source>Crop it to the region of interest if that is too much for this computer.</source>
        <translation>Auf die interessierende Region zuschneiden, wenn das für diesen Rechner zu viel ist.</translation>
    </message>
    <message>
        <source>Day</source>
        <translation>Tag</translation>
    </message>
    <message>
        <source>Device</source>
        <translation>Gerät</translation>
    </message>
    <message>
        <source>Diameters (mm)</source>
        <translation>Durchmesser (mm)</translation>
    </message>
    <message>
        <source>Done</source>
        <translation>Fertig</translation>
    </message>
    <message>
        <source>Enhancing tumour</source>
        <translation>Anreicherndes Tumorgewebe</translation>
    </message>
    <message>
        <source>Error</source>
        <translation>Fehler</translation>
    </message>
    <message>
        <source>FLAIR</source>
        <translation>FLAIR</translation>
    </message>
    <message>
        <source>Fast</source>
        <translation>Schnell</translation>
    </message>
    <message>
        <source>Fetching the result</source>
        <translation>Das Ergebnis wird geholt</translation>
    </message>
    <message>
        <source>Findings</source>
        <translation>Befunde</translation>
    </message>
    <message>
        <source>Follow-up changes</source>
        <translation>Verlauf: Veränderungen</translation>
    </message>
    <message>
        <source>Follow-up chart</source>
        <translation>Verlauf: Diagramm</translation>
    </message>
    <message>
        <source>Follow-up lesions</source>
        <translation>Verlauf: Läsionen</translation>
    </message>
    <message>
        <source>Follow-up thresholds</source>
        <translation>Verlauf: Schwellen</translation>
    </message>
    <message>
        <source>Follow-up volumes</source>
        <translation>Verlauf: Volumen</translation>
    </message>
    <message>
        <source>Free some space there, or set TMPDIR to a larger disk.</source>
        <translation>Dort Platz schaffen oder TMPDIR auf eine größere Platte setzen.</translation>
    </message>
    <message>
        <source>Free some space there, or use a Python that has torch.</source>
        <translation>Dort Platz schaffen oder ein Python mit torch nehmen.</translation>
    </message>
    <message>
        <source>Free some space, or set TMPDIR.</source>
        <translation>Platz schaffen oder TMPDIR setzen.</translation>
    </message>
    <message>
        <source>GPU (CUDA)</source>
        <translation>GPU (CUDA)</translation>
    </message>
    <message>
        <source>Give a mask that covers the head, or switch the bias correction off.</source>
        <translation>Eine Maske geben, die den Kopf bedeckt, oder die Bias-Korrektur ausschalten.</translation>
    </message>
    <message>
        <source>Give a picture of a higher magnification, or the right --pixel-size.</source>
        <translation>Ein Bild mit höherer Vergrößerung geben oder die richtige --pixel-size.</translation>
    </message>
    <message>
        <source>Give a volume of grey values, one at a time.</source>
        <translation>Ein Volumen mit Grauwerten geben, eines auf einmal.</translation>
    </message>
    <message>
        <source>Give a volume that is 1 in the brain and 0 elsewhere.</source>
        <translation>Ein Volumen geben, das im Gehirn 1 ist und sonst 0.</translation>
    </message>
    <message>
        <source>Give an image of the whole head; there the others alone are used.</source>
        <translation>Ein Bild des ganzen Kopfes geben; dort werden nur die anderen benutzt.</translation>
    </message>
    <message>
        <source>Give an image that shows all of it if there is one.</source>
        <translation>Ein Bild geben, das alles zeigt, wenn es eines gibt.</translation>
    </message>
    <message>
        <source>Give at least one of: {titles}.</source>
        <translation>Mindestens eines geben von: {titles}.</translation>
    </message>
    <message>
        <source>Give images of one patient and examination, registered to each other.</source>
        <translation>Bilder eines Patienten und einer Untersuchung geben, zueinander registriert.</translation>
    </message>
    <message>
        <source>Give one channel.</source>
        <translation>Einen Kanal geben.</translation>
    </message>
    <message>
        <source>Give one plane, as PNG, TIFF or JPEG.</source>
        <translation>Eine Ebene geben, als PNG, TIFF oder JPEG.</translation>
    </message>
    <message>
        <source>Give the CT as it was reconstructed, or fill what was cut away with -1000.</source>
        <translation>Das CT so angeben, wie es rekonstruiert wurde, oder das Abgeschnittene mit -1000 füllen.</translation>
    </message>
    <message>
        <source>Give the CT as it was reconstructed, with rescale slope and intercept applied.</source>
        <translation>Das CT geben, wie es rekonstruiert wurde, mit angewandtem Rescale Slope und Intercept.</translation>
    </message>
    <message>
        <source>Give the image as it was before normalisation if there is one.</source>
        <translation>Das Bild vor der Normierung geben, wenn es das gibt.</translation>
    </message>
    <message>
        <source>Give the images too; only MR of the head is registered.</source>
        <translation>Geben Sie auch die Bilder an; nur MR des Kopfes wird registriert.</translation>
    </message>
    <message>
        <source>Give the mask that belongs to these images.</source>
        <translation>Die Maske geben, die zu diesen Bildern gehört.</translation>
    </message>
    <message>
        <source>Give the right --pixel-size if the picture's own is wrong.</source>
        <translation>Die richtige --pixel-size geben, wenn die des Bildes falsch ist.</translation>
    </message>
    <message>
        <source>Give the side of a pixel in micrometres (--pixel-size).</source>
        <translation>Die Seitenlänge eines Pixels in Mikrometern geben (--pixel-size).</translation>
    </message>
    <message>
        <source>Give the three-dimensional image that it was taken from.</source>
        <translation>Das dreidimensionale Bild geben, aus dem es stammt.</translation>
    </message>
    <message>
        <source>Give the whole volume if there is one.</source>
        <translation>Das ganze Volumen geben, wenn es das gibt.</translation>
    </message>
    <message>
        <source>Give the {titles} image too if there is one.</source>
        <translation>Auch das {titles}-Bild geben, wenn es eines gibt.</translation>
    </message>
    <message>
        <source>Give {missing} too.</source>
        <translation>Auch {missing} geben.</translation>
    </message>
    <message>
        <source>Give {wanted} too if there is one.</source>
        <translation>Auch {wanted} geben, wenn es das gibt.</translation>
    </message>
    <message>
        <source>Grid of the result</source>
        <translation>Gitter des Ergebnisses</translation>
    </message>
    <message>
        <source>Harden the transform (Data module) or resample the volume first.</source>
        <translation>Zuerst die Transformation fest anwenden (Modul Data, Harden) oder das Volumen neu abtasten.</translation>
    </message>
    <message>
        <source>Hold the letters (R, L, A, P) at the edges of the views against the anatomy before you use the result.</source>
        <translation>Vergleichen Sie die Buchstaben (R, L, A, P) am Rand der Ansichten mit der Anatomie, bevor Sie das Ergebnis verwenden.</translation>
    </message>
    <message>
        <source>If its training images were stored otherwise, import it with --orientation.</source>
        <translation>Waren seine Trainingsbilder anders gespeichert, mit --orientation importieren.</translation>
    </message>
    <message>
        <source>In brackets: how many of the voxels with such probabilities were right in cases that the network had not seen.</source>
        <translation>In Klammern: wie viele der Voxel mit solchen Wahrscheinlichkeiten in Fällen, die das Netz nicht gesehen hatte, richtig waren.</translation>
    </message>
    <message>
        <source>Inputs</source>
        <translation>Eingänge</translation>
    </message>
    <message>
        <source>Install highdicom there, or choose another Python in the settings.</source>
        <translation>Installieren Sie dort highdicom, oder wählen Sie in den Einstellungen ein anderes Python.</translation>
    </message>
    <message>
        <source>Install it there: pip install medsegdl-training.</source>
        <translation>Installieren Sie es dort: pip install medsegdl-training.</translation>
    </message>
    <message>
        <source>Install it with the Extensions Manager and restart Slicer, or make a private environment.</source>
        <translation>Mit dem Extensions Manager installieren und Slicer neu starten, oder eine eigene Umgebung anlegen.</translation>
    </message>
    <message>
        <source>It is the only image.</source>
        <translation>es ist das einzige Bild</translation>
    </message>
    <message>
        <source>Its inputs are: {titles}.</source>
        <translation>Seine Eingaben sind: {titles}.</translation>
    </message>
    <message>
        <source>Judging on the cases kept back</source>
        <translation>Prüfung an den zurückgehaltenen Fällen</translation>
    </message>
    <message>
        <source>Last study</source>
        <translation>Letzte Untersuchung</translation>
    </message>
    <message>
        <source>Learning from the corrections</source>
        <translation>Lernen aus den Korrekturen</translation>
    </message>
    <message>
        <source>Learning stopped: {last}</source>
        <translation>Das Lernen brach ab: {last}</translation>
    </message>
    <message>
        <source>Leave --pixel-size out: a volume tells its own.</source>
        <translation>--pixel-size weglassen: ein Volumen nennt seine eigene.</translation>
    </message>
    <message>
        <source>Lesion</source>
        <translation>Läsion</translation>
    </message>
    <message>
        <source>Lesions</source>
        <translation>Läsionen</translation>
    </message>
    <message>
        <source>Lesions of the last study</source>
        <translation>Läsionen der letzten Untersuchung</translation>
    </message>
    <message>
        <source>Let the brain be extracted, or give a brain mask.</source>
        <translation>Das Gehirn extrahieren lassen oder eine Hirnmaske geben.</translation>
    </message>
    <message>
        <source>Let this machine trust it ($SSL_CERT_FILE).</source>
        <translation>Diesen Rechner ihm vertrauen lassen ($SSL_CERT_FILE).</translation>
    </message>
    <message>
        <source>Liver</source>
        <translation>Leber</translation>
    </message>
    <message>
        <source>Liver and liver tumours (CT)</source>
        <translation>Leber und Lebertumoren (CT)</translation>
    </message>
    <message>
        <source>Liver tumour</source>
        <translation>Lebertumor</translation>
    </message>
    <message>
        <source>Liver without tumours</source>
        <translation>Leber ohne Tumoren</translation>
    </message>
    <message>
        <source>Load it again, or select another one.</source>
        <translation>Neu laden oder ein anderes wählen.</translation>
    </message>
    <message>
        <source>Load it again.</source>
        <translation>Neu laden.</translation>
    </message>
    <message>
        <source>Load it, and segment it again.</source>
        <translation>Laden und neu segmentieren.</translation>
    </message>
    <message>
        <source>Load its series by Slicer's DICOM module, segment it, and save that.</source>
        <translation>Laden Sie seine Serie mit Slicers Modul DICOM, segmentieren Sie sie, und speichern Sie das.</translation>
    </message>
    <message>
        <source>Loading the weights</source>
        <translation>Gewichte werden geladen</translation>
    </message>
    <message>
        <source>Longest diameter in an axial slice, and the longest one across it.</source>
        <translation>Längster Durchmesser in einem axialen Schnitt und der längste quer dazu.</translation>
    </message>
    <message>
        <source>Look at both on each other, and register them by hand.</source>
        <translation>Beide übereinander ansehen und von Hand registrieren.</translation>
    </message>
    <message>
        <source>Look at both on each other; without registration it stays where it is.</source>
        <translation>Beide übereinander ansehen; ohne Registrierung bleibt es, wo es ist.</translation>
    </message>
    <message>
        <source>Look at the brain mask that comes with the result.</source>
        <translation>Die Hirnmaske ansehen, die mit dem Ergebnis kommt.</translation>
    </message>
    <message>
        <source>Look at the brain mask; correct it and give it as the brain mask if it is wrong.</source>
        <translation>Die Hirnmaske ansehen; ist sie falsch, berichtigen und als Hirnmaske geben.</translation>
    </message>
    <message>
        <source>Look at the result on the images before you use it.</source>
        <translation>Das Ergebnis auf den Bildern ansehen, bevor es benutzt wird.</translation>
    </message>
    <message>
        <source>Look at the studies on each other.</source>
        <translation>Sehen Sie sich die Untersuchungen übereinander an.</translation>
    </message>
    <message>
        <source>Look whether there is a second, small lesion.</source>
        <translation>Sehen Sie nach, ob es eine zweite, kleine Läsion gibt.</translation>
    </message>
    <message>
        <source>Looked for within a brain mask of {volume} mL.</source>
        <translation>Gesucht innerhalb einer Hirnmaske von {volume} mL.</translation>
    </message>
    <message>
        <source>Looking for the brain</source>
        <translation>Das Gehirn wird gesucht</translation>
    </message>
    <message>
        <source>Looking for the training package</source>
        <translation>Das Trainingspaket wird gesucht</translation>
    </message>
    <message>
        <source>Looking how the {entry} lies</source>
        <translation>Lage von {entry} wird gesucht</translation>
    </message>
    <message>
        <source>MR</source>
        <translation>MR</translation>
    </message>
    <message>
        <source>Made on {date} with MedSegDL {version}.</source>
        <translation>Erstellt am {date} mit MedSegDL {version}.</translation>
    </message>
    <message>
        <source>Make a private environment instead.</source>
        <translation>Stattdessen eine eigene Umgebung anlegen.</translation>
    </message>
    <message>
        <source>Make it first (Advanced), or install the packages by hand.</source>
        <translation>Zuerst anlegen (Erweitert) oder die Pakete von Hand installieren.</translation>
    </message>
    <message>
        <source>Make room there, and learn again.</source>
        <translation>Schaffen Sie dort Platz und lernen Sie noch einmal.</translation>
    </message>
    <message>
        <source>Make sure that every image is what it was chosen for.</source>
        <translation>Sicherstellen, dass jedes Bild ist, wofür es gewählt wurde.</translation>
    </message>
    <message>
        <source>Make sure that every image is what it was chosen for. Left must be left in all of them.</source>
        <translation>Sicherstellen, dass jedes Bild ist, wofür es gewählt wurde. Links muss in allen links sein.</translation>
    </message>
    <message>
        <source>Make sure that it is the image and not its segmentation.</source>
        <translation>Sicherstellen, dass es das Bild ist und nicht seine Segmentierung.</translation>
    </message>
    <message>
        <source>Make sure that it is the right image; a CT that was cropped to the body looks like this too.</source>
        <translation>Sicherstellen, dass es das richtige Bild ist; ein auf den Körper zugeschnittenes CT sieht auch so aus.</translation>
    </message>
    <message>
        <source>Making the environment</source>
        <translation>Die Umgebung wird angelegt</translation>
    </message>
    <message>
        <source>Measuring</source>
        <translation>Messen</translation>
    </message>
    <message>
        <source>Name their folders in the order of time.</source>
        <translation>Nennen Sie ihre Ordner in zeitlicher Reihenfolge.</translation>
    </message>
    <message>
        <source>Necrosis and non-enhancing tumour</source>
        <translation>Nekrose und nicht anreichernder Tumor</translation>
    </message>
    <message>
        <source>Network</source>
        <translation>Netz</translation>
    </message>
    <message>
        <source>Network's own probability</source>
        <translation>Eigene Wahrscheinlichkeit des Netzes</translation>
    </message>
    <message>
        <source>Network's own probability: its mean within the region or lesion. It is not calibrated: a network may be sure and wrong.</source>
        <translation>Eigene Wahrscheinlichkeit des Netzes: ihr Mittel innerhalb der Region oder Läsion. Sie ist nicht kalibriert: Ein Netz kann sicher sein und irren.</translation>
    </message>
    <message>
        <source>No brain was found in the images: they are used as they are, and parts outside the brain may be taken for tumour.</source>
        <translation>Kein Gehirn wurde in den Bildern gefunden: sie werden benutzt, wie sie sind, und Teile außerhalb des Gehirns können für Tumor gehalten werden.</translation>
    </message>
    <message>
        <source>No image was given for {task}.</source>
        <translation>Kein Bild wurde gegeben für: {task}.</translation>
    </message>
    <message>
        <source>No objects.</source>
        <translation>Keine Objekte.</translation>
    </message>
    <message>
        <source>No temporary folder can be made in {where}: {error}.</source>
        <translation>In {where} kann kein temporärer Ordner angelegt werden: {error}.</translation>
    </message>
    <message>
        <source>No volume is selected.</source>
        <translation>Kein Volumen ist gewählt.</translation>
    </message>
    <message>
        <source>None.</source>
        <translation>Keine.</translation>
    </message>
    <message>
        <source>Not known: the result was not made by this version, or without a record.</source>
        <translation>Nicht bekannt: Das Ergebnis entstand nicht mit dieser Version oder ohne Protokoll.</translation>
    </message>
    <message>
        <source>Note</source>
        <translation>Hinweis</translation>
    </message>
    <message>
        <source>Nothing need be done if a constant was added to the image.</source>
        <translation>Nichts zu tun, wenn zum Bild eine Konstante addiert wurde.</translation>
    </message>
    <message>
        <source>Nothing need be done if they are of one examination; else register them first.</source>
        <translation>Nichts zu tun, wenn sie aus einer Untersuchung stammen; sonst zuerst registrieren.</translation>
    </message>
    <message>
        <source>Nothing was found of {names}.</source>
        <translation>Nichts wurde gefunden von: {names}.</translation>
    </message>
    <message>
        <source>Nothing was found of {region} but parts that are too small or outside of what contains it.</source>
        <translation>{region}: nur Teile wurden gefunden, die zu klein sind oder außerhalb dessen liegen, was sie enthält.</translation>
    </message>
    <message>
        <source>Nothing was found of {region}: its largest probability is {peak}, and {threshold} is needed.</source>
        <translation>{region}: nichts gefunden; die größte Wahrscheinlichkeit ist {peak}, nötig ist {threshold}.</translation>
    </message>
    <message>
        <source>Nuclei</source>
        <translation>Zellkerne</translation>
    </message>
    <message>
        <source>Number</source>
        <translation>Nummer</translation>
    </message>
    <message>
        <source>Oedema</source>
        <translation>Ödem</translation>
    </message>
    <message>
        <source>Off</source>
        <translation>Aus</translation>
    </message>
    <message>
        <source>On</source>
        <translation>Ein</translation>
    </message>
    <message>
        <source>On such series this measured better; look at the outlines' rims.</source>
        <translation>Bei solchen Serien war das im Vergleich besser; sehen Sie sich die Ränder der Umrisse an.</translation>
    </message>
    <message>
        <source>One object of {mean} pixels.</source>
        <translation>Ein Objekt von {mean} Pixeln.</translation>
    </message>
    <message>
        <source>Open it in the DICOM module, and save again.</source>
        <translation>Öffnen Sie sie im Modul DICOM, und speichern Sie noch einmal.</translation>
    </message>
    <message>
        <source>Outlines</source>
        <translation>Umrisse</translation>
    </message>
    <message>
        <source>Outlines on the image: {image}.</source>
        <translation>Umrisse auf dem Bild: {image}.</translation>
    </message>
    <message>
        <source>Outlines only: the image was not given.</source>
        <translation>Nur Umrisse: Das Bild war nicht gegeben.</translation>
    </message>
    <message>
        <source>Packages</source>
        <translation>Pakete</translation>
    </message>
    <message>
        <source>Partial</source>
        <translation>Partiell</translation>
    </message>
    <message>
        <source>Partial response is counted from the first study, progression from the smallest value so far; a new measurable lesion ({smallest} mm and more) is progression; up to {targets} largest lesions are targets.</source>
        <translation>Partielles Ansprechen zählt von der ersten Untersuchung an, Progress vom bisher kleinsten Wert an; eine neue messbare Läsion (ab {smallest} mm) ist Progress; Zielläsionen sind bis zu {targets} der größten.</translation>
    </message>
    <message>
        <source>Picture</source>
        <translation>Bild</translation>
    </message>
    <message>
        <source>Pictures</source>
        <translation>Bilder</translation>
    </message>
    <message>
        <source>Pixels of {side} micrometres are too coarse for {title}: what was found is doubtful.</source>
        <translation>Pixel von {side} Mikrometern sind zu grob für {title}: was gefunden wurde, ist zweifelhaft.</translation>
    </message>
    <message>
        <source>Place (mm)</source>
        <translation>Ort (mm)</translation>
    </message>
    <message>
        <source>Please report it with the log (Advanced).</source>
        <translation>Bitte mit dem Protokoll melden (Erweitert).</translation>
    </message>
    <message>
        <source>Please report it with the log.</source>
        <translation>Bitte mit dem Protokoll melden.</translation>
    </message>
    <message>
        <source>Prefer a series with thinner slices if there is one.</source>
        <translation>Eine Serie mit dünneren Schichten vorziehen, wenn es eine gibt.</translation>
    </message>
    <message>
        <source>Preparing</source>
        <translation>Vorbereitung</translation>
    </message>
    <message>
        <source>Progressive</source>
        <translation>Progredient</translation>
    </message>
    <message>
        <source>Put the files back, or import the series again.</source>
        <translation>Legen Sie die Dateien zurück, oder importieren Sie die Serie neu.</translation>
    </message>
    <message>
        <source>Put the files back, or load the series again.</source>
        <translation>Legen Sie die Dateien zurück, oder laden Sie die Serie neu.</translation>
    </message>
    <message>
        <source>PyTorch was not installed.</source>
        <translation>PyTorch wurde nicht installiert.</translation>
    </message>
    <message>
        <source>Reading the series</source>
        <translation>Lesen der Serie</translation>
    </message>
    <message>
        <source>Region</source>
        <translation>Region</translation>
    </message>
    <message>
        <source>Region (mL)</source>
        <translation>Region (mL)</translation>
    </message>
    <message>
        <source>Replace them (by 0 where they lie in the background) and save the image again.</source>
        <translation>Durch Zahlen ersetzen (durch 0, wo sie im Hintergrund liegen) und das Bild neu speichern.</translation>
    </message>
    <message>
        <source>Resample the mask to the image.</source>
        <translation>Die Maske auf das Bild umtasten.</translation>
    </message>
    <message>
        <source>Research software, not a medical device.</source>
        <translation>Forschungssoftware, kein Medizinprodukt.</translation>
    </message>
    <message>
        <source>Response of the last study</source>
        <translation>Ansprechen bei der letzten Untersuchung</translation>
    </message>
    <message>
        <source>Restoring the regions</source>
        <translation>Regionen werden wiederhergestellt</translation>
    </message>
    <message>
        <source>Run record</source>
        <translation>Protokoll des Laufs</translation>
    </message>
    <message>
        <source>SHA-256 of the network</source>
        <translation>SHA-256 des Netzes</translation>
    </message>
    <message>
        <source>Sagittal</source>
        <translation>Sagittal</translation>
    </message>
    <message>
        <source>Save cases with a segmentation that is not empty.</source>
        <translation>Speichern Sie Fälle, deren Segmentierung nicht leer ist.</translation>
    </message>
    <message>
        <source>Save it with 8 bits a colour.</source>
        <translation>Mit 8 Bit je Farbe speichern.</translation>
    </message>
    <message>
        <source>Save it with as many colours as the pictures that the network was trained with.</source>
        <translation>Mit so vielen Farben speichern wie die Bilder, mit denen das Netz trainiert wurde.</translation>
    </message>
    <message>
        <source>Saving as DICOM needs pydicom and highdicom, and {sys} has no {error}.</source>
        <translation>Zum Speichern als DICOM sind pydicom und highdicom nötig, und {sys} hat kein {error}.</translation>
    </message>
    <message>
        <source>Seconds</source>
        <translation>Sekunden</translation>
    </message>
    <message>
        <source>Segment again, or draw some.</source>
        <translation>Segmentieren Sie noch einmal, oder zeichnen Sie welche.</translation>
    </message>
    <message>
        <source>Segment again.</source>
        <translation>Erneut segmentieren.</translation>
    </message>
    <message>
        <source>Segment all of them with the same weights.</source>
        <translation>Segmentieren Sie alle mit denselben Gewichten.</translation>
    </message>
    <message>
        <source>Segment first.</source>
        <translation>Zuerst segmentieren.</translation>
    </message>
    <message>
        <source>Segment it again.</source>
        <translation>Neu segmentieren.</translation>
    </message>
    <message>
        <source>Segment them again, and correct that result.</source>
        <translation>Neu segmentieren und jenes Ergebnis korrigieren.</translation>
    </message>
    <message>
        <source>Segmenting</source>
        <translation>Segmentierung</translation>
    </message>
    <message>
        <source>Segments were drawn on a finer or turned grid: each voxel of the series took the nearest of theirs.</source>
        <translation>Segmente wurden auf einem feineren oder gedrehten Gitter gezeichnet: jedes Voxel der Serie nahm ihr nächstes.</translation>
    </message>
    <message>
        <source>Select at least one input.</source>
        <translation>Mindestens eine Eingabe wählen.</translation>
    </message>
    <message>
        <source>Select one.</source>
        <translation>Eines wählen.</translation>
    </message>
    <message>
        <source>Sending the images</source>
        <translation>Bilder werden gesendet</translation>
    </message>
    <message>
        <source>Share</source>
        <translation>Anteil</translation>
    </message>
    <message>
        <source>Slices through the largest lesion.</source>
        <translation>Schnitte durch die größte Läsion.</translation>
    </message>
    <message>
        <source>Slices through the middle.</source>
        <translation>Schnitte durch die Mitte.</translation>
    </message>
    <message>
        <source>Source</source>
        <translation>Quelle</translation>
    </message>
    <message>
        <source>Studies, on the first one</source>
        <translation>Untersuchungen, auf die erste gelegt</translation>
    </message>
    <message>
        <source>Study</source>
        <translation>Untersuchung</translation>
    </message>
    <message>
        <source>Study before</source>
        <translation>Untersuchung davor</translation>
    </message>
    <message>
        <source>Study {number}</source>
        <translation>Untersuchung {number}</translation>
    </message>
    <message>
        <source>Study {number} could not be registered to the first one: its lesions are matched as they lie.</source>
        <translation>Untersuchung {number} konnte nicht auf die erste registriert werden: ihre Läsionen werden so zugeordnet, wie sie liegen.</translation>
    </message>
    <message>
        <source>Study {number} lay {shift} mm and {turn} degrees off the first one: it was registered.</source>
        <translation>Untersuchung {number} lag {shift} mm und {turn} Grad neben der ersten: sie wurde registriert.</translation>
    </message>
    <message>
        <source>Study {number} was not registered to the first one: its lesions are matched as they lie.</source>
        <translation>Untersuchung {number} wurde nicht auf die erste registriert: ihre Läsionen werden so zugeordnet, wie sie liegen.</translation>
    </message>
    <message>
        <source>Sum of targets</source>
        <translation>Summe der Zielläsionen</translation>
    </message>
    <message>
        <source>T1</source>
        <translation>T1</translation>
    </message>
    <message>
        <source>T1ce</source>
        <translation>T1 KM (T1ce)</translation>
    </message>
    <message>
        <source>T2</source>
        <translation>T2</translation>
    </message>
    <message>
        <source>Take the image as it was acquired: a slice was copied, or it was resampled without interpolation.</source>
        <translation>Das Bild nehmen, wie es aufgenommen wurde: eine Schicht wurde kopiert oder ohne Interpolation neu abgetastet.</translation>
    </message>
    <message>
        <source>Taking it into use</source>
        <translation>Wird in Gebrauch genommen</translation>
    </message>
    <message>
        <source>Task</source>
        <translation>Aufgabe</translation>
    </message>
    <message>
        <source>The DICOM database was closed meanwhile.</source>
        <translation>Die DICOM-Datenbank wurde inzwischen geschlossen.</translation>
    </message>
    <message>
        <source>The Python {interpreter} cannot be started: {error}.</source>
        <translation>Das Python {interpreter} lässt sich nicht starten: {error}.</translation>
    </message>
    <message>
        <source>The Python {launch} cannot be started: {error}.</source>
        <translation>Das Python {launch} kann nicht gestartet werden: {error}.</translation>
    </message>
    <message>
        <source>The bias correction has nothing to work on: its mask is empty, or every voxel in it is zero, negative or not a number.</source>
        <translation>Die Bias-Korrektur hat nichts zu tun: ihre Maske ist leer, oder jedes Voxel darin ist null, negativ oder keine Zahl.</translation>
    </message>
    <message>
        <source>The brain mask holds {volume_ml} mL, which is no whole brain of usual size.</source>
        <translation>Die Hirnmaske fasst {volume_ml} mL, das ist kein ganzes Gehirn üblicher Größe.</translation>
    </message>
    <message>
        <source>The bundle lacks {name}.</source>
        <translation>Im Bündel fehlt {name}.</translation>
    </message>
    <message>
        <source>The certificate of {address} is not trusted ({error}).</source>
        <translation>Dem Zertifikat von {address} wird nicht vertraut ({error}).</translation>
    </message>
    <message>
        <source>The comparison came with the scene, without its pictures.</source>
        <translation>Der Vergleich kam mit der Szene, ohne seine Bilder.</translation>
    </message>
    <message>
        <source>The earlier weights could not be put back into {place}: {error}.</source>
        <translation>Die früheren Gewichte konnten nicht nach {place} zurückgelegt werden: {error}.</translation>
    </message>
    <message>
        <source>The extension PyTorch is not installed.</source>
        <translation>Die Erweiterung PyTorch ist nicht installiert.</translation>
    </message>
    <message>
        <source>The file {name} of the request cannot be read ({error}).</source>
        <translation>Die Datei {name} der Anfrage kann nicht gelesen werden ({error}).</translation>
    </message>
    <message>
        <source>The files hold several time points, and which of them the volume shows is not known.</source>
        <translation>Die Dateien enthalten mehrere Zeitpunkte, und welchen davon das Volumen zeigt, ist nicht bekannt.</translation>
    </message>
    <message>
        <source>The folder of wheels {options} is not there.</source>
        <translation>Den Ordner {options} mit Paketen gibt es nicht.</translation>
    </message>
    <message>
        <source>The folder {folder} cannot be written: {error}.</source>
        <translation>In den Ordner {folder} kann nicht geschrieben werden: {error}.</translation>
    </message>
    <message>
        <source>The image is stored along {aligned}, and the network takes its axes as they are stored, as its origin does.</source>
        <translation>Das Bild ist entlang {aligned} gespeichert, und das Netz nimmt die Achsen, wie sie gespeichert sind, wie sein Ursprung.</translation>
    </message>
    <message>
        <source>The input '{key}' of the request is not an image: {error}.</source>
        <translation>Die Eingabe „{key}“ der Anfrage ist kein Bild: {error}.</translation>
    </message>
    <message>
        <source>The kept cases could not be judged.</source>
        <translation>Die zurückgehaltenen Fälle konnten nicht beurteilt werden.</translation>
    </message>
    <message>
        <source>The learned weights are no longer in use: others have taken their place.</source>
        <translation>Die gelernten Gewichte sind nicht mehr in Gebrauch: andere sind an ihre Stelle getreten.</translation>
    </message>
    <message>
        <source>The mask {mask} is not on the grid of {image}.</source>
        <translation>Die Maske {mask} liegt nicht auf dem Gitter von {image}.</translation>
    </message>
    <message>
        <source>The memory of this machine was not enough for the network.</source>
        <translation>Der Speicher dieses Rechners reichte nicht für das Netz.</translation>
    </message>
    <message>
        <source>The memory of this machine was not enough.</source>
        <translation>Der Speicher dieses Rechners reichte nicht.</translation>
    </message>
    <message>
        <source>The network in use is as it was.</source>
        <translation>Das benutzte Netz ist, wie es war.</translation>
    </message>
    <message>
        <source>The network of a server cannot learn here.</source>
        <translation>Das Netz eines Servers kann hier nicht lernen.</translation>
    </message>
    <message>
        <source>The network saw the picture with pixels of {wanted} in place of {side} micrometres; the result has the latter.</source>
        <translation>Das Netz sah das Bild mit Pixeln von {wanted} statt {side} Mikrometern; das Ergebnis hat die letzteren.</translation>
    </message>
    <message>
        <source>The new weights could not be put into {place}: {error}.</source>
        <translation>Die neuen Gewichte konnten nicht nach {place} gelegt werden: {error}.</translation>
    </message>
    <message>
        <source>The package {unknown} is none that a network needs.</source>
        <translation>Das Paket {unknown} braucht kein Netz.</translation>
    </message>
    <message>
        <source>The patient's right is on the left of axial and coronal pictures; anterior is on the left of sagittal ones.</source>
        <translation>Rechts des Patienten ist in axialen und koronalen Bildern links; vorne ist in sagittalen links.</translation>
    </message>
    <message>
        <source>The phantom could not be computed: {last}</source>
        <translation>Das Phantom konnte nicht berechnet werden: {last}</translation>
    </message>
    <message>
        <source>The picture has values from {least} to {most}, but this network needs colours from 0 to 255.</source>
        <translation>Das Bild hat Werte von {least} bis {most}, dieses Netz braucht Farben von 0 bis 255.</translation>
    </message>
    <message>
        <source>The picture has {found} value a pixel, and this network takes {wanted}.</source>
        <translation>Das Bild hat {found} Werte je Pixel, und dieses Netz nimmt {wanted}.</translation>
    </message>
    <message>
        <source>The picture has {found} values a pixel, and this network takes {wanted}.</source>
        <translation>Das Bild hat {found} Werte je Pixel, und dieses Netz nimmt {wanted}.</translation>
    </message>
    <message>
        <source>The point lies outside of '{volume}'.</source>
        <translation>Der Punkt liegt außerhalb von „{volume}“.</translation>
    </message>
    <message>
        <source>The private environment is being made or removed already.</source>
        <translation>Die eigene Umgebung wird schon angelegt oder entfernt.</translation>
    </message>
    <message>
        <source>The private environment is being made or removed.</source>
        <translation>Die eigene Umgebung wird angelegt oder entfernt.</translation>
    </message>
    <message>
        <source>The private environment needs {gigabytes} GB in {folder}, and {free} GB are free.</source>
        <translation>Die eigene Umgebung braucht {gigabytes} GB in {folder}, und {free} GB sind frei.</translation>
    </message>
    <message>
        <source>The request to save as DICOM does not fit: {error}.</source>
        <translation>Der Auftrag, als DICOM zu speichern, passt nicht: {error}.</translation>
    </message>
    <message>
        <source>The segment could not be written into '{node}'.</source>
        <translation>Das Segment konnte nicht in „{node}“ geschrieben werden.</translation>
    </message>
    <message>
        <source>The segmentation has no segments.</source>
        <translation>Die Segmentierung hat keine Segmente.</translation>
    </message>
    <message>
        <source>The segmentation process crashed ({crash}).</source>
        <translation>Der Segmentierungsprozess stürzte ab ({crash}).</translation>
    </message>
    <message>
        <source>The segmentation process ended with code {code}{said}.</source>
        <translation>Der Segmentierungsprozess endete mit Code {code}{said}.</translation>
    </message>
    <message>
        <source>The segmentation process gave an answer that cannot be read.</source>
        <translation>Der Segmentierungsprozess gab eine Antwort, die nicht zu lesen ist.</translation>
    </message>
    <message>
        <source>The segmentation was removed while its uncertainty was computed.</source>
        <translation>Die Segmentierung wurde entfernt, während ihre Unsicherheit berechnet wurde.</translation>
    </message>
    <message>
        <source>The segments were edited after the run; the figures are those of the edited ones.</source>
        <translation>Die Segmente wurden nach dem Lauf bearbeitet; die Zahlen sind die der bearbeiteten.</translation>
    </message>
    <message>
        <source>The series states no FrameOfReferenceUID: the DICOM results name one of their own.</source>
        <translation>Die Serie nennt keine FrameOfReferenceUID: die DICOM-Ergebnisse nennen eine eigene.</translation>
    </message>
    <message>
        <source>The slices are thick: a voxel belongs to a region from a probability of {used} on, not of {usual}.</source>
        <translation>Die Schichten sind dick: ein Voxel gehört ab einer Wahrscheinlichkeit von {used} zu einer Region, nicht ab {usual}.</translation>
    </message>
    <message>
        <source>The studies were segmented with different networks: a change may be the network's.</source>
        <translation>Die Untersuchungen wurden mit verschiedenen Netzen segmentiert: eine Veränderung kann vom Netz kommen.</translation>
    </message>
    <message>
        <source>The system ended the segmentation process, most likely because memory ran out.</source>
        <translation>Das System beendete den Segmentierungsprozess, wahrscheinlich weil der Speicher ausging.</translation>
    </message>
    <message>
        <source>The task of the result does not fit: {fault}.</source>
        <translation>Die Aufgabe des Ergebnisses passt nicht: {fault}.</translation>
    </message>
    <message>
        <source>The temporary file {name} cannot be written in {parent}: {reason}.</source>
        <translation>Die temporäre Datei {name} kann in {parent} nicht geschrieben werden: {reason}.</translation>
    </message>
    <message>
        <source>The training package cannot be started.</source>
        <translation>Das Trainingspaket lässt sich nicht starten.</translation>
    </message>
    <message>
        <source>The training package is not installed in the worker's Python.</source>
        <translation>Das Trainingspaket ist im Python des Hilfsprogramms nicht installiert.</translation>
    </message>
    <message>
        <source>The volume came from Slicer's DICOM database, and this application has none.</source>
        <translation>Das Volumen kam aus Slicers DICOM-Datenbank, und dieses Programm hat keine.</translation>
    </message>
    <message>
        <source>The volume does not lie on the voxels of its series (it was moved, cropped or resampled, or the gantry was tilted).</source>
        <translation>Das Volumen liegt nicht auf den Voxeln seiner Serie (es wurde bewegt, beschnitten oder neu abgetastet, oder die Gantry war gekippt).</translation>
    </message>
    <message>
        <source>The volume does not show its series (slices in another order, another time point, or changed values).</source>
        <translation>Das Volumen zeigt nicht seine Serie (Schichten in anderer Reihenfolge, ein anderer Zeitpunkt, oder geänderte Werte).</translation>
    </message>
    <message>
        <source>The volume that '{node}' was made from is not in the scene.</source>
        <translation>Das Volumen, aus dem „{node}“ entstand, ist nicht in der Szene.</translation>
    </message>
    <message>
        <source>The volume that the result lies on is no longer in the scene.</source>
        <translation>Das Volumen, auf dem das Ergebnis liegt, ist nicht mehr in der Szene.</translation>
    </message>
    <message>
        <source>The volume that the result lies on was not loaded from DICOM: there is nothing to refer to.</source>
        <translation>Das Volumen, auf dem das Ergebnis liegt, wurde nicht aus DICOM geladen: es gibt nichts, worauf verwiesen werden kann.</translation>
    </message>
    <message>
        <source>The volumes that '{node}' was made from are not known.</source>
        <translation>Die Volumen, aus denen „{node}“ entstand, sind nicht bekannt.</translation>
    </message>
    <message>
        <source>There are {names} corrected cases, and {least_cases} are needed: two to learn from, and one to be judged on.</source>
        <translation>Es gibt {names} korrigierte Fälle, und {least_cases} sind nötig: zwei zum Lernen und einer zum Prüfen.</translation>
    </message>
    <message>
        <source>There is no private environment.</source>
        <translation>Es gibt keine eigene Umgebung.</translation>
    </message>
    <message>
        <source>There is no result to report on.</source>
        <translation>Es gibt kein Ergebnis für einen Bericht.</translation>
    </message>
    <message>
        <source>There is no result to save.</source>
        <translation>Es gibt kein Ergebnis, das gespeichert werden kann.</translation>
    </message>
    <message>
        <source>There is not enough free memory: the network needs {gib} GiB for an image of this size.</source>
        <translation>Es ist nicht genug Speicher frei: das Netz braucht {gib} GiB für ein Bild dieser Größe.</translation>
    </message>
    <message>
        <source>There is one corrected case, and {least_cases} are needed: two to learn from, and one to be judged on.</source>
        <translation>Es gibt einen korrigierten Fall, und {least_cases} sind nötig: zwei zum Lernen und einer zum Prüfen.</translation>
    </message>
    <message>
        <source>There may be none in the image.</source>
        <translation>Vielleicht gibt es im Bild keine.</translation>
    </message>
    <message>
        <source>There may be none.</source>
        <translation>Vielleicht gibt es keine.</translation>
    </message>
    <message>
        <source>They lie in {kept}.</source>
        <translation>Sie liegen in {kept}.</translation>
    </message>
    <message>
        <source>This is no address of a server.</source>
        <translation>Das ist keine Adresse eines Servers.</translation>
    </message>
    <message>
        <source>Thresholds</source>
        <translation>Schwellen</translation>
    </message>
    <message>
        <source>Try again; if it happens again, choose the device 'cpu', or another Python for the segmentation.</source>
        <translation>Noch einmal versuchen; geschieht es wieder, das Gerät „cpu“ oder ein anderes Python wählen.</translation>
    </message>
    <message>
        <source>Try again; the log shows its last lines.</source>
        <translation>Noch einmal versuchen; das Protokoll zeigt die letzten Zeilen.</translation>
    </message>
    <message>
        <source>Trying it out</source>
        <translation>Wird ausprobiert</translation>
    </message>
    <message>
        <source>Tumour core</source>
        <translation>Tumorkern</translation>
    </message>
    <message>
        <source>Volume</source>
        <translation>Volumen</translation>
    </message>
    <message>
        <source>Volume '{node}' holds no voxels.</source>
        <translation>Das Volumen „{node}“ enthält keine Voxel.</translation>
    </message>
    <message>
        <source>Volume '{volume_node}' changed while it was segmented.</source>
        <translation>Das Volumen „{volume_node}“ änderte sich, während es segmentiert wurde.</translation>
    </message>
    <message>
        <source>Volume '{volume}' was removed while it was segmented.</source>
        <translation>Das Volumen „{volume}“ wurde entfernt, während es segmentiert wurde.</translation>
    </message>
    <message>
        <source>Volumes</source>
        <translation>Volumen</translation>
    </message>
    <message>
        <source>Wait for it, or cancel it where it was begun.</source>
        <translation>Abwarten oder dort abbrechen, wo es begonnen wurde.</translation>
    </message>
    <message>
        <source>Wait for it, or cancel it.</source>
        <translation>Abwarten oder abbrechen.</translation>
    </message>
    <message>
        <source>Waiting for the server: {away}</source>
        <translation>Warten auf den Server: {away}</translation>
    </message>
    <message>
        <source>Warning</source>
        <translation>Warnung</translation>
    </message>
    <message>
        <source>Wen and others 2023, the same table</source>
        <translation>Wen u. a. 2023, dieselbe Tabelle</translation>
    </message>
    <message>
        <source>What the images show is longer from front to back than from left to right: it is cut off, or its header exchanges axes.</source>
        <translation>Was die Bilder zeigen, ist von vorn nach hinten länger als von links nach rechts: Es ist abgeschnitten, oder der Dateikopf vertauscht Achsen.</translation>
    </message>
    <message>
        <source>What the images show is longer from left to right than from front to back: it is cut off, or its header exchanges axes.</source>
        <translation>Was die Bilder zeigen, ist von links nach rechts länger als von vorn nach hinten: Es ist abgeschnitten, oder der Dateikopf vertauscht Achsen.</translation>
    </message>
    <message>
        <source>Whole tumour</source>
        <translation>Gesamttumor</translation>
    </message>
    <message>
        <source>Writing</source>
        <translation>Schreiben</translation>
    </message>
    <message>
        <source>Writing the weights</source>
        <translation>Die Gewichte werden geschrieben</translation>
    </message>
    <message>
        <source>a CT</source>
        <translation>ein CT</translation>
    </message>
    <message>
        <source>a picture</source>
        <translation>ein Bild</translation>
    </message>
    <message>
        <source>an MR image</source>
        <translation>ein MR-Bild</translation>
    </message>
    <message>
        <source>bias correction</source>
        <translation>Bias-Korrektur</translation>
    </message>
    <message>
        <source>brain extraction</source>
        <translation>Hirnextraktion</translation>
    </message>
    <message>
        <source>brain mask</source>
        <translation>Hirnmaske</translation>
    </message>
    <message>
        <source>bundle.json in {folder} is damaged.</source>
        <translation>bundle.json in {folder} ist beschädigt.</translation>
    </message>
    <message>
        <source>calibrated_probability</source>
        <translation>kalibrierte_Wahrscheinlichkeit</translation>
    </message>
    <message>
        <source>complete response</source>
        <translation>komplettes Ansprechen</translation>
    </message>
    <message>
        <source>gone</source>
        <translation>verschwunden</translation>
    </message>
    <message>
        <source>it is a thousand times too small</source>
        <translation>es ist tausendmal zu klein</translation>
    </message>
    <message>
        <source>it is ten times too large</source>
        <translation>es ist zehnmal zu groß</translation>
    </message>
    <message>
        <source>it is ten times too small</source>
        <translation>es ist zehnmal zu klein</translation>
    </message>
    <message>
        <source>its header names the contrast agent {quote}</source>
        <translation>sein Header nennt das Kontrastmittel {quote}</translation>
    </message>
    <message>
        <source>its header says {quote}</source>
        <translation>sein Header sagt {quote}</translation>
    </message>
    <message>
        <source>its image type says {quote}</source>
        <translation>sein Bildtyp sagt {quote}</translation>
    </message>
    <message>
        <source>its name says {quote}</source>
        <translation>sein Name sagt {quote}</translation>
    </message>
    <message>
        <source>its offset of -1024 was applied twice</source>
        <translation>sein Versatz von -1024 wurde zweimal angewandt</translation>
    </message>
    <message>
        <source>its offset of -1024 was never applied, or dark and bright are exchanged</source>
        <translation>sein Versatz von -1024 wurde nie angewandt, oder Hell und Dunkel sind vertauscht</translation>
    </message>
    <message>
        <source>its protocol says {quote}</source>
        <translation>sein Protokoll sagt {quote}</translation>
    </message>
    <message>
        <source>its series description says {quote}</source>
        <translation>seine Serienbeschreibung sagt {quote}</translation>
    </message>
    <message>
        <source>its times are {quote}</source>
        <translation>seine Zeiten sind {quote}</translation>
    </message>
    <message>
        <source>kind</source>
        <translation>Art</translation>
    </message>
    <message>
        <source>lesion</source>
        <translation>Läsion</translation>
    </message>
    <message>
        <source>longest_mm</source>
        <translation>laengster_mm</translation>
    </message>
    <message>
        <source>merged</source>
        <translation>verschmolzen</translation>
    </message>
    <message>
        <source>new</source>
        <translation>neu</translation>
    </message>
    <message>
        <source>none</source>
        <translation>keines</translation>
    </message>
    <message>
        <source>not measurable</source>
        <translation>nicht messbar</translation>
    </message>
    <message>
        <source>not part of RECIST: of a sphere whose diameter changes so, 0.7 and 1.2 cubed</source>
        <translation>nicht Teil von RECIST: einer Kugel, deren Durchmesser sich so ändert, 0.7 und 1.2 hoch drei</translation>
    </message>
    <message>
        <source>number</source>
        <translation>Nummer</translation>
    </message>
    <message>
        <source>object</source>
        <translation>Objekt</translation>
    </message>
    <message>
        <source>own_probability</source>
        <translation>eigene_Wahrscheinlichkeit</translation>
    </message>
    <message>
        <source>partial response</source>
        <translation>partielles Ansprechen</translation>
    </message>
    <message>
        <source>perpendicular_mm</source>
        <translation>quer_mm</translation>
    </message>
    <message>
        <source>pixels</source>
        <translation>Pixel</translation>
    </message>
    <message>
        <source>private environment</source>
        <translation>eigene Umgebung</translation>
    </message>
    <message>
        <source>progressive disease</source>
        <translation>progrediente Erkrankung</translation>
    </message>
    <message>
        <source>reference</source>
        <translation>Referenz</translation>
    </message>
    <message>
        <source>region</source>
        <translation>Region</translation>
    </message>
    <message>
        <source>same</source>
        <translation>dieselbe</translation>
    </message>
    <message>
        <source>setting</source>
        <translation>Einstellung</translation>
    </message>
    <message>
        <source>split</source>
        <translation>geteilt</translation>
    </message>
    <message>
        <source>stable disease</source>
        <translation>stabile Erkrankung</translation>
    </message>
    <message>
        <source>variable</source>
        <translation>Variable</translation>
    </message>
    <message>
        <source>volume_ml</source>
        <translation>Volumen_ml</translation>
    </message>
    <message>
        <source>{count} objects, mean area {mean} pixels, median {median}.</source>
        <translation>{count} Objekte, mittlere Fläche {mean} Pixel, Median {median}.</translation>
    </message>
    <message>
        <source>{count} smaller ones are in the CSV.</source>
        <translation>{count} kleinere stehen in der CSV-Datei.</translation>
    </message>
    <message>
        <source>{criteria}: sum of longest diameters</source>
        <translation>{criteria}: Summe der längsten Durchmesser</translation>
    </message>
    <message>
        <source>{criteria}: sum of products of both diameters</source>
        <translation>{criteria}: Summe der Produkte beider Durchmesser</translation>
    </message>
    <message>
        <source>{density} per megapixel: the picture states no size of its pixels.</source>
        <translation>{density} pro Megapixel: Das Bild nennt keine Größe seiner Pixel.</translation>
    </message>
    <message>
        <source>{density} per mm2, at {area} um2 a pixel.</source>
        <translation>{density} pro mm2, bei {area} um2 je Pixel.</translation>
    </message>
    <message>
        <source>{folder} holds no wheels.</source>
        <translation>{folder} enthält keine Pakete (.whl).</translation>
    </message>
    <message>
        <source>{image} does not look like a CT in Hounsfield units, which this network was trained with.</source>
        <translation>{image} sieht nicht aus wie ein CT in Hounsfield-Einheiten, mit denen dieses Netz trainiert wurde.</translation>
    </message>
    <message>
        <source>{image} has negative intensities, as z-scored images have; N4 works on logarithms of raw ones.</source>
        <translation>{image} hat negative Werte wie z-normierte Bilder; N4 arbeitet mit Logarithmen der rohen.</translation>
    </message>
    <message>
        <source>{image} is a colour picture; a bias field is estimated on grey values.</source>
        <translation>{image} ist ein Farbbild; ein Bias-Feld wird aus Grauwerten geschätzt.</translation>
    </message>
    <message>
        <source>{interpreter} cannot be started.</source>
        <translation>{interpreter} kann nicht gestartet werden.</translation>
    </message>
    <message>
        <source>{listed} are scattered in {counts} parts.</source>
        <translation>{listed}: in {counts} Teile verstreut.</translation>
    </message>
    <message>
        <source>{listed} is scattered in {counts} parts.</source>
        <translation>{listed}: in {counts} Teile verstreut.</translation>
    </message>
    <message>
        <source>{listed} reach the border of the image: what lies beyond is not in the volume.</source>
        <translation>{listed}: reicht an den Rand des Bildes; was jenseits liegt, ist nicht im Volumen.</translation>
    </message>
    <message>
        <source>{listed} reaches the border of the image: what lies beyond is not in the volume.</source>
        <translation>{listed}: reicht an den Rand des Bildes; was jenseits liegt, ist nicht im Volumen.</translation>
    </message>
    <message>
        <source>{missing} is missing: this network needs all of its inputs.</source>
        <translation>{missing} fehlt: dieses Netz braucht alle seine Eingaben.</translation>
    </message>
    <message>
        <source>{missing} of the {found} files of the volume's series are no longer where the DICOM database has them.</source>
        <translation>{missing} der {found} Dateien der Serie des Volumens liegen nicht mehr dort, wo die DICOM-Datenbank sie hat.</translation>
    </message>
    <message>
        <source>{missing} of the {found} files of the volume's series is no longer where the DICOM database has them.</source>
        <translation>{missing} der {found} Dateien der Serie des Volumens liegt nicht mehr dort, wo die DICOM-Datenbank sie hat.</translation>
    </message>
    <message>
        <source>{name} and {reference} do not overlap in space: their centres are {apart} mm apart.</source>
        <translation>{name} und {reference} überlappen sich nicht im Raum: ihre Mitten liegen {apart} mm auseinander.</translation>
    </message>
    <message>
        <source>{name} and {reference} overlap by only {share} of the smaller.</source>
        <translation>{name} und {reference} überlappen sich nur um {share} des kleineren.</translation>
    </message>
    <message>
        <source>{name} and {two} seem to be exchanged{others}: what is brightest in the FLAIR is dark in the T2.</source>
        <translation>{name} und {two} scheinen vertauscht zu sein{others}: was in der FLAIR am hellsten ist, ist in der T2 dunkel.</translation>
    </message>
    <message>
        <source>{name} does not show {share} of what the other images show: its field of view is cut off, or it does not lie on them.</source>
        <translation>{name} zeigt {share} dessen nicht, was die anderen Bilder zeigen: sein Sichtfeld ist abgeschnitten, oder es liegt nicht auf ihnen.</translation>
    </message>
    <message>
        <source>{name} has a background of {nothing} rather than 0: it is subtracted.</source>
        <translation>{name} hat einen Hintergrund von {nothing} statt 0: er wird abgezogen.</translation>
    </message>
    <message>
        <source>{name} has a voxel that is not a finite number (NaN or infinite).</source>
        <translation>{name} hat einen Voxel, der keine endliche Zahl ist (NaN oder unendlich).</translation>
    </message>
    <message>
        <source>{name} has negative intensities: it seems to be normalised (z-scored) already, so its bias field is not corrected.</source>
        <translation>{name} hat negative Werte: es scheint schon normiert (z-Wert), sein Bias-Feld wird nicht korrigiert.</translation>
    </message>
    <message>
        <source>{name} has only {count} slices.</source>
        <translation>{name} hat nur {count} Schichten.</translation>
    </message>
    <message>
        <source>{name} has thick slices ({sides} mm): small lesions and volumes are uncertain by about a slice.</source>
        <translation>{name} hat dicke Schichten ({sides} mm): kleine Läsionen und Volumina sind um etwa eine Schicht ungewiss.</translation>
    </message>
    <message>
        <source>{name} has voxels of {sides} mm, which no scanner makes: its header is wrong, and volumes in mL would be too.</source>
        <translation>{name} hat Voxel von {sides} mm, die kein Gerät macht: sein Header ist falsch, und Volumina in mL wären es auch.</translation>
    </message>
    <message>
        <source>{name} has {count} voxels that are not finite numbers (NaN or infinite).</source>
        <translation>{name} hat {count} Voxel, die keine endlichen Zahlen sind (NaN oder unendlich).</translation>
    </message>
    <message>
        <source>{name} has {image} channels, but a picture is grey (1) or in colours (3, or 4 with opacity).</source>
        <translation>{name} hat {image} Kanäle, ein Bild aber ist grau (1) oder farbig (3, oder 4 mit Deckkraft).</translation>
    </message>
    <message>
        <source>{name} has {image} values a voxel (colours or a series in time), but one is needed.</source>
        <translation>{name} hat {image} Werte je Voxel (Farben oder eine Zeitreihe), nötig ist einer.</translation>
    </message>
    <message>
        <source>{name} has {mask} values a voxel.</source>
        <translation>{name} hat {mask} Werte je Voxel.</translation>
    </message>
    <message>
        <source>{name} has {voxels} million voxels: it needs much memory and time.</source>
        <translation>{name} hat {voxels} Millionen Voxel: das braucht viel Speicher und Zeit.</translation>
    </message>
    <message>
        <source>{name} holds 0 Hounsfield units, as water has, where there should be air: what lay outside was cut away and filled with 0.</source>
        <translation>{name} enthält 0 Hounsfield-Einheiten, wie Wasser, wo Luft sein sollte: was außerhalb lag, wurde abgeschnitten und mit 0 gefüllt.</translation>
    </message>
    <message>
        <source>{name} holds nothing but the value {least}.</source>
        <translation>{name} enthält nur den Wert {least}.</translation>
    </message>
    <message>
        <source>{name} holds nothing but the value {value}: nothing can be found in it.</source>
        <translation>{name} enthält nur den Wert {value}: darin ist nichts zu finden.</translation>
    </message>
    <message>
        <source>{name} holds only a few whole numbers, like a mask or label map.</source>
        <translation>{name} enthält nur wenige ganze Zahlen, wie eine Maske oder Labelkarte.</translation>
    </message>
    <message>
        <source>{name} holds {which}.</source>
        <translation>{name} enthält kopierte Schichten ({which}).</translation>
    </message>
    <message>
        <source>{name} in the bundle cannot be read.</source>
        <translation>{name} im Bündel kann nicht gelesen werden.</translation>
    </message>
    <message>
        <source>{name} in the bundle is not what was put there.</source>
        <translation>{name} im Bündel ist nicht, was hineingelegt wurde.</translation>
    </message>
    <message>
        <source>{name} is a single slice, but the whole volume is needed.</source>
        <translation>{name} ist eine einzelne Schicht, nötig ist das ganze Volumen.</translation>
    </message>
    <message>
        <source>{name} is a volume of {image} slices, but a picture is needed.</source>
        <translation>{name} ist ein Volumen aus {image} Schichten, nötig ist ein Bild.</translation>
    </message>
    <message>
        <source>{name} is a {kind} by its DICOM header, not {kind_names}.</source>
        <translation>{name} ist nach seinem DICOM-Header ein {kind}, nicht {kind_names}.</translation>
    </message>
    <message>
        <source>{name} is empty.</source>
        <translation>{name} ist leer.</translation>
    </message>
    <message>
        <source>{name} is not in Hounsfield units: its values run from {least} to {most}, without both air (-1000) and soft tissue (0 to 100)</source>
        <translation>{name} ist nicht in Hounsfield-Einheiten: die Werte gehen von {least} bis {most}, ohne Luft (-1000) und Weichteile (0 bis 100)</translation>
    </message>
    <message>
        <source>{name} is not in Hounsfield units: its values run from {least} to {most}, without both air (-1000) and soft tissue (0 to 100); probably {why}.</source>
        <translation>{name} ist nicht in Hounsfield-Einheiten: die Werte gehen von {least} bis {most}, ohne Luft (-1000) und Weichteile (0 bis 100); wahrscheinlich: {why}.</translation>
    </message>
    <message>
        <source>{name} is the same image as {twin}.</source>
        <translation>{name} ist dasselbe Bild wie {twin}.</translation>
    </message>
    <message>
        <source>{name} lies on another grid than {reference} and is resampled to it.</source>
        <translation>{name} liegt auf einem anderen Gitter als {reference} und wird darauf umgetastet.</translation>
    </message>
    <message>
        <source>{name} lies {motion} mm and {motion2} degrees off {reference}: it is moved onto it.</source>
        <translation>{name} liegt {motion} mm und {motion2} Grad neben {reference}: es wird darauf bewegt.</translation>
    </message>
    <message>
        <source>{name} looks like a CT (air at -1000), but an MR image is needed.</source>
        <translation>{name} sieht aus wie ein CT (Luft bei -1000), nötig ist ein MR-Bild.</translation>
    </message>
    <message>
        <source>{name} looks like {article}: {reason}.</source>
        <translation>{name} sieht aus wie {article}: {reason}.</translation>
    </message>
    <message>
        <source>{name} may not lie on {reference}, but no place was found where it clearly fits better: it is left where it is.</source>
        <translation>{name} liegt vielleicht nicht auf {reference}, aber keine eindeutig bessere Lage wurde gefunden: es bleibt, wo es ist.</translation>
    </message>
    <message>
        <source>{name} measures {sides} mm, which is no usual field of view.</source>
        <translation>{name} misst {sides} mm, das ist kein übliches Sichtfeld.</translation>
    </message>
    <message>
        <source>{name} shows no brain where the reference lies.</source>
        <translation>{name} zeigt kein Gehirn, wo die Referenz liegt.</translation>
    </message>
    <message>
        <source>{name} shows on the left what {by_key} shows on the right: one of them seems to be mirrored.</source>
        <translation>{name} zeigt links, was {by_key} rechts zeigt: eines scheint gespiegelt zu sein.</translation>
    </message>
    <message>
        <source>{name} shows the same as {heads}, in other numbers or stored another way round.</source>
        <translation>{name} zeigt dasselbe wie {heads}, mit anderen Zahlen oder anders herum gespeichert.</translation>
    </message>
    <message>
        <source>{name} shows the skull and scalp: the brain is extracted before it is segmented, for the network knows nothing else.</source>
        <translation>{name} zeigt Schädel und Kopfhaut: vor dem Segmentieren wird das Gehirn extrahiert, denn nur das kennt das Netz.</translation>
    </message>
    <message>
        <source>{outside} of {segment} lies outside of what the images show.</source>
        <translation>{outside} von {segment} liegt außerhalb dessen, was die Bilder zeigen.</translation>
    </message>
    <message>
        <source>{region} cannot be seen without {input}, so it is left empty.</source>
        <translation>{region} ist ohne {input} nicht zu sehen und bleibt leer.</translation>
    </message>
    <message>
        <source>{region} is doubtful without {input}.</source>
        <translation>{region} ist ohne {input} zweifelhaft.</translation>
    </message>
    <message>
        <source>{segment} lies in the left half of the body: the header may exchange left and right.</source>
        <translation>{segment} liegt in der linken Körperhälfte: Der Dateikopf vertauscht vielleicht links und rechts.</translation>
    </message>
    <message>
        <source>{segment} lies in the right half of the body: the header may exchange left and right.</source>
        <translation>{segment} liegt in der rechten Körperhälfte: Der Dateikopf vertauscht vielleicht links und rechts.</translation>
    </message>
    <message>
        <source>{segment} takes {share} of all that the images show: that is more than can be.</source>
        <translation>{segment} nimmt {share} von allem ein, was die Bilder zeigen: das ist mehr als möglich.</translation>
    </message>
    <message>
        <source>{share} % of {region}</source>
        <translation>{share} % von {region}</translation>
    </message>
    <message>
        <source>{share} and at least {least} mm</source>
        <translation>{share} und mindestens {least} mm</translation>
    </message>
    <message>
        <source>{small} parts of {region} smaller than {region2} of the largest are left out ({together}).</source>
        <translation>{region}: {small} Teile, die kleiner als {region2} des größten sind, wurden weggelassen ({together}).</translation>
    </message>
    <message>
        <source>{task}, version {version}</source>
        <translation>{task}, Version {version}</translation>
    </message>
    <message>
        <source>{task}: follow-up</source>
        <translation>{task}: Verlauf</translation>
    </message>
    <message>
        <source>{task}: report</source>
        <translation>{task}: Bericht</translation>
    </message>
    <message>
        <source>{titles} is missing: the segmentation is less accurate without it.</source>
        <translation>{titles} fehlt: ohne das ist die Segmentierung weniger genau.</translation>
    </message>
    <message>
        <source>{title} measure about {across} pixels a side, and the network knows those of {known}: what was found is doubtful.</source>
        <translation>{title} messen etwa {across} Pixel, und das Netz kennt solche von {known}: was gefunden wurde, ist zweifelhaft.</translation>
    </message>
    <message>
        <source>{value} cannot be written.</source>
        <translation>{value} lässt sich nicht schreiben.</translation>
    </message>
</context>
<context>
    <name>Networks</name>
    <message>
        <source>A result folder of nnU-Net v2 (with plans.json and dataset.json), or a MONAI bundle (with the folders configs and models).</source>
        <translation>Ein Ergebnisordner von nnU-Net v2 (mit plans.json und dataset.json) oder ein MONAI-Bundle (mit den Ordnern configs und models).</translation>
    </message>
    <message>
        <source>Add a file...</source>
        <translation>Datei hinzufügen...</translation>
    </message>
    <message>
        <source>Add a network...</source>
        <translation>Netz hinzufügen...</translation>
    </message>
    <message>
        <source>Add it</source>
        <translation>Hinzufügen</translation>
    </message>
    <message>
        <source>Add nothing.</source>
        <translation>Nichts hinzufügen.</translation>
    </message>
    <message>
        <source>Convert the network and keep it on this computer.</source>
        <translation>Das Netz umwandeln und auf diesem Rechner behalten.</translation>
    </message>
    <message>
        <source>Licence: not stated. Under which may it be used?</source>
        <translation>Lizenz: nicht genannt. Unter welcher darf es benutzt werden?</translation>
    </message>
    <message>
        <source>Networks</source>
        <translation>Netze</translation>
    </message>
    <message>
        <source>Not now</source>
        <translation>Nicht jetzt</translation>
    </message>
    <message>
        <source>Remove</source>
        <translation>Entfernen</translation>
    </message>
    <message>
        <source>Remove the chosen network from this computer.</source>
        <translation>Das gewählte Netz von diesem Rechner entfernen.</translation>
    </message>
    <message>
        <source>The licence that came with the network. It is kept with it and shown wherever it is.</source>
        <translation>Die Lizenz, die mit dem Netz kam. Sie bleibt bei ihm und wird überall gezeigt, wo es ist.</translation>
    </message>
    <message>
        <source>The model.pt of SlicerMONAIAuto3DSeg.</source>
        <translation>Die model.pt von SlicerMONAIAuto3DSeg.</translation>
    </message>
    <message>
        <source>The networks that you have added, with their licences. A click chooses one.</source>
        <translation>Die hinzugefügten Netze mit ihren Lizenzen. Ein Klick wählt eines.</translation>
    </message>
</context>
<context>
    <name>scene.correction_section</name>
    <message>
        <source>Click in a slice view on what belongs to the segment: its outline moves there, along the edges.</source>
        <translation>In einer Schichtansicht auf das klicken, was zum Segment gehört: sein Umriss wandert dorthin, den Kanten entlang.</translation>
    </message>
    <message>
        <source>Click in a slice view on what does not belong to the segment: its outline moves away, to the edges.</source>
        <translation>In einer Schichtansicht auf das klicken, was nicht zum Segment gehört: sein Umriss weicht zurück, bis zu den Kanten.</translation>
    </message>
    <message>
        <source>Compare</source>
        <translation>Vergleichen</translation>
    </message>
    <message>
        <source>Correct:</source>
        <translation>Korrigieren:</translation>
    </message>
    <message>
        <source>Dice</source>
        <translation>Dice</translation>
    </message>
    <message>
        <source>Inside</source>
        <translation>Innen</translation>
    </message>
    <message>
        <source>Nothing to change: the point already lies on that side.</source>
        <translation>Nichts zu ändern: der Punkt liegt schon auf dieser Seite.</translation>
    </message>
    <message>
        <source>Outside</source>
        <translation>Außen</translation>
    </message>
    <message>
        <source>Redrawing ...</source>
        <translation>Wird neu gezeichnet ...</translation>
    </message>
    <message>
        <source>Save as training case</source>
        <translation>Als Trainingsfall speichern</translation>
    </message>
    <message>
        <source>Saved without names as case {name} in {folder}</source>
        <translation>Ohne Namen als Fall {name} in {folder} gespeichert</translation>
    </message>
    <message>
        <source>Segment</source>
        <translation>Segment</translation>
    </message>
    <message>
        <source>Show what was changed since the network's result: added in green, removed in magenta.</source>
        <translation>Zeigen, was seit dem Ergebnis des Netzes geändert wurde: Hinzugefügtes in Grün, Entferntes in Magenta.</translation>
    </message>
    <message>
        <source>Take the last point and what it changed back.</source>
        <translation>Den letzten Punkt und was er änderte zurücknehmen.</translation>
    </message>
    <message>
        <source>The last point was taken back.</source>
        <translation>Der letzte Punkt wurde zurückgenommen.</translation>
    </message>
    <message>
        <source>The segment that points correct.</source>
        <translation>Das Segment, das Punkte korrigieren.</translation>
    </message>
    <message>
        <source>Undo</source>
        <translation>Zurück</translation>
    </message>
    <message>
        <source>Write the images and the corrected labels for medsegdl-train, without names and dates. A head with its face on stays a face.</source>
        <translation>Die Bilder und die korrigierten Labels für medsegdl-train schreiben, ohne Namen und Daten. Ein Kopf mit Gesicht bleibt ein Gesicht.</translation>
    </message>
    <message>
        <source>Writing the case ...</source>
        <translation>Der Fall wird geschrieben ...</translation>
    </message>
    <message>
        <source>after</source>
        <translation>nachher</translation>
    </message>
    <message>
        <source>mL before</source>
        <translation>mL vorher</translation>
    </message>
    <message>
        <source>{segment}: {volume} mL added.</source>
        <translation>{segment}: {volume} mL hinzugefügt.</translation>
    </message>
    <message>
        <source>{segment}: {volume} mL removed.</source>
        <translation>{segment}: {volume} mL entfernt.</translation>
    </message>
</context>
<context>
    <name>scene.dicom_section</name>
    <message>
        <source>A folder for the DICOM files</source>
        <translation>Ein Ordner für die DICOM-Dateien</translation>
    </message>
    <message>
        <source>Into DICOM database</source>
        <translation>In DICOM-Datenbank</translation>
    </message>
    <message>
        <source>Save as DICOM ...</source>
        <translation>Als DICOM sichern ...</translation>
    </message>
    <message>
        <source>The folder holds DICOM files of a result already. Replace them?</source>
        <translation>Der Ordner enthält schon DICOM-Dateien eines Ergebnisses. Sollen sie ersetzt werden?</translation>
    </message>
    <message>
        <source>The result was saved as DICOM: {path}</source>
        <translation>Das Ergebnis wurde als DICOM gespeichert: {path}</translation>
    </message>
    <message>
        <source>The result was saved into the DICOM database.</source>
        <translation>Das Ergebnis wurde in der DICOM-Datenbank gespeichert.</translation>
    </message>
    <message>
        <source>The same, into Slicer's DICOM database.</source>
        <translation>Dasselbe, in Slicers DICOM-Datenbank.</translation>
    </message>
    <message>
        <source>Write segmentation (SEG), measurements (SR) and pictures beside the series of the volume, as the segments now are.</source>
        <translation>Segmentierung (SEG), Messwerte (SR) und Bilder neben die Serie des Volumens schreiben, so wie die Segmente jetzt sind.</translation>
    </message>
</context>
<context>
    <name>scene.expectation</name>
    <message>
        <source>Expected: about {seconds} s and {memory} GB of memory, after one earlier run on this machine.</source>
        <translation>Erwartet: etwa {seconds} s und {memory} GB Speicher, nach einem früheren Lauf auf diesem Rechner.</translation>
    </message>
    <message>
        <source>Expected: about {seconds} s and {memory} GB of memory, after {count} earlier runs on this machine.</source>
        <translation>Erwartet: etwa {seconds} s und {memory} GB Speicher, nach {count} früheren Läufen auf diesem Rechner.</translation>
    </message>
    <message>
        <source>Expected: about {seconds} s, after one earlier run on this machine.</source>
        <translation>Erwartet: etwa {seconds} s, nach einem früheren Lauf auf diesem Rechner.</translation>
    </message>
    <message>
        <source>Expected: about {seconds} s, after {count} earlier runs on this machine.</source>
        <translation>Erwartet: etwa {seconds} s, nach {count} früheren Läufen auf diesem Rechner.</translation>
    </message>
    <message>
        <source>With {inputs} alone the network did as well as with all inputs (one case held out).</source>
        <translation>Allein mit {inputs} war das Netz so gut wie mit allen Eingaben (ein zurückgehaltener Fall).</translation>
    </message>
    <message>
        <source>With {inputs} alone the network did as well as with all inputs ({cases} cases held out).</source>
        <translation>Allein mit {inputs} war das Netz so gut wie mit allen Eingaben ({cases} zurückgehaltene Fälle).</translation>
    </message>
    <message>
        <source>With {inputs} alone, Dice was: {values} (one case held out).</source>
        <translation>Allein mit {inputs} war der Dice: {values} (ein zurückgehaltener Fall).</translation>
    </message>
    <message>
        <source>With {inputs} alone, mean Dice was: {values} ({cases} cases held out).</source>
        <translation>Allein mit {inputs} war der mittlere Dice: {values} ({cases} zurückgehaltene Fälle).</translation>
    </message>
    <message>
        <source>{region} {here} instead of {all}</source>
        <translation>{region} {here} statt {all}</translation>
    </message>
</context>
<context>
    <name>scene.findings_section</name>
    <message>
        <source>Install it now ({size}, about {minutes:.0f} min)</source>
        <translation>Jetzt installieren ({size}, etwa {minutes:.0f} min)</translation>
    </message>
</context>
<context>
    <name>scene.follow_up_section</name>
    <message>
        <source>Chart</source>
        <translation>Diagramm</translation>
    </message>
    <message>
        <source>Compare studies</source>
        <translation>Untersuchungen vergleichen</translation>
    </message>
    <message>
        <source>Date</source>
        <translation>Datum</translation>
    </message>
    <message>
        <source>Earlier</source>
        <translation>Früher</translation>
    </message>
    <message>
        <source>First and last study beside each other, linked; again: as before.</source>
        <translation>Erste und letzte Untersuchung nebeneinander, gekoppelt; noch einmal: wie zuvor.</translation>
    </message>
    <message>
        <source>Follow-up</source>
        <translation>Verlauf</translation>
    </message>
    <message>
        <source>Later</source>
        <translation>Später</translation>
    </message>
    <message>
        <source>Lay the studies on the first one, match their lesions, and measure what has changed.</source>
        <translation>Die Untersuchungen auf die erste legen, ihre Läsionen einander zuordnen und messen, was sich geändert hat.</translation>
    </message>
    <message>
        <source>Laying study {number} on the first one ...</source>
        <translation>Untersuchung {number} wird auf die erste gelegt ...</translation>
    </message>
    <message>
        <source>Matching the lesions ...</source>
        <translation>Läsionen werden zugeordnet ...</translation>
    </message>
    <message>
        <source>Measuring the studies ...</source>
        <translation>Untersuchungen werden gemessen ...</translation>
    </message>
    <message>
        <source>Move the chosen study down.</source>
        <translation>Die gewählte Untersuchung nach unten schieben.</translation>
    </message>
    <message>
        <source>Move the chosen study up.</source>
        <translation>Die gewählte Untersuchung nach oben schieben.</translation>
    </message>
    <message>
        <source>Report ...</source>
        <translation>Bericht ...</translation>
    </message>
    <message>
        <source>Side by side</source>
        <translation>Nebeneinander</translation>
    </message>
    <message>
        <source>Studies laid on the first one</source>
        <translation>Untersuchungen auf die erste gelegt</translation>
    </message>
    <message>
        <source>Study</source>
        <translation>Untersuchung</translation>
    </message>
    <message>
        <source>The lesions of the last study, and those that are gone. A click shows one.</source>
        <translation>Die Läsionen der letzten Untersuchung und die verschwundenen. Ein Klick zeigt eine.</translation>
    </message>
    <message>
        <source>The results to compare, the earliest first. Leave out what is no study of its own.</source>
        <translation>Die zu vergleichenden Ergebnisse, das früheste zuerst. Lassen Sie weg, was keine eigene Untersuchung ist.</translation>
    </message>
    <message>
        <source>The transforms that registration found; they can be taken off.</source>
        <translation>Die Transformationen, die die Registrierung fand; sie lassen sich abnehmen.</translation>
    </message>
    <message>
        <source>Volumes of the first and the last study.</source>
        <translation>Volumen der ersten und der letzten Untersuchung.</translation>
    </message>
    <message>
        <source>Volumes over time, as a chart and a table; again: as before.</source>
        <translation>Volumen über die Zeit, als Diagramm und Tabelle; noch einmal: wie zuvor.</translation>
    </message>
    <message>
        <source>What the response is told by.</source>
        <translation>Wonach das Ansprechen beurteilt wird.</translation>
    </message>
    <message>
        <source>Write the comparison as one page (HTML or PDF), and its figures as CSV.</source>
        <translation>Den Vergleich als eine Seite (HTML oder PDF) und seine Zahlen als CSV schreiben.</translation>
    </message>
    <message>
        <source>not known</source>
        <translation>nicht bekannt</translation>
    </message>
</context>
<context>
    <name>scene.follow_up_tables</name>
    <message>
        <source>Became</source>
        <translation>Wurde</translation>
    </message>
    <message>
        <source>Before (mm)</source>
        <translation>Vorher (mm)</translation>
    </message>
    <message>
        <source>Change</source>
        <translation>Änderung</translation>
    </message>
    <message>
        <source>First (mL)</source>
        <translation>Erste (mL)</translation>
    </message>
    <message>
        <source>Last (mL)</source>
        <translation>Letzte (mL)</translation>
    </message>
    <message>
        <source>Lesion</source>
        <translation>Läsion</translation>
    </message>
    <message>
        <source>Now (mm)</source>
        <translation>Jetzt (mm)</translation>
    </message>
    <message>
        <source>Region</source>
        <translation>Region</translation>
    </message>
</context>
<context>
    <name>scene.follow_up_texts</name>
    <message>
        <source>An aid to the reader, not a diagnosis: steroids, clinical state, confirmation and lesions that are no targets are not known here.</source>
        <translation>Eine Hilfe für den Befunder, keine Diagnose: Steroide, klinischer Zustand, Bestätigung und Läsionen, die keine Zielläsionen sind, sind hier nicht bekannt.</translation>
    </message>
    <message>
        <source>complete response</source>
        <translation>komplettes Ansprechen</translation>
    </message>
    <message>
        <source>gone</source>
        <translation>verschwunden</translation>
    </message>
    <message>
        <source>merged</source>
        <translation>verschmolzen</translation>
    </message>
    <message>
        <source>new</source>
        <translation>neu</translation>
    </message>
    <message>
        <source>not measurable</source>
        <translation>nicht messbar</translation>
    </message>
    <message>
        <source>partial response</source>
        <translation>partielles Ansprechen</translation>
    </message>
    <message>
        <source>progressive disease</source>
        <translation>progrediente Erkrankung</translation>
    </message>
    <message>
        <source>same</source>
        <translation>dieselbe</translation>
    </message>
    <message>
        <source>split</source>
        <translation>geteilt</translation>
    </message>
    <message>
        <source>stable disease</source>
        <translation>stabile Erkrankung</translation>
    </message>
    <message>
        <source>{measure}: partial from {partial}, progressive from {progressive} ({source}).</source>
        <translation>{measure}: partiell ab {partial}, progredient ab {progressive} ({source}).</translation>
    </message>
    <message>
        <source>{region}: {diameters} by diameters, {volume} by volume.</source>
        <translation>{region}: {diameters} nach Durchmessern, {volume} nach Volumen.</translation>
    </message>
</context>
<context>
    <name>scene.head_section</name>
    <message>
        <source>Brain extraction:</source>
        <translation>Hirnextraktion:</translation>
    </message>
    <message>
        <source>Correct the brain mask</source>
        <translation>Hirnmaske korrigieren</translation>
    </message>
    <message>
        <source>Inputs moved onto the reference: {count}</source>
        <translation>Auf die Referenz bewegte Eingaben: {count}</translation>
    </message>
    <message>
        <source>Move the images onto the reference. Automatic does so where they do not lie on it; the transforms can be undone.</source>
        <translation>Die Bilder auf die Referenz bewegen. „Automatisch“ tut es, wo sie nicht darauf liegen; die Transformationen lassen sich zurücknehmen.</translation>
    </message>
    <message>
        <source>Open the Segment Editor on the brain mask. The next run uses the mask as you leave it.</source>
        <translation>Den Segment Editor mit der Hirnmaske öffnen. Der nächste Lauf nimmt die Maske, wie sie dann ist.</translation>
    </message>
    <message>
        <source>Registration:</source>
        <translation>Registrierung:</translation>
    </message>
    <message>
        <source>Show the brain mask ({volume} mL)</source>
        <translation>Hirnmaske zeigen ({volume} mL)</translation>
    </message>
    <message>
        <source>Take skull and scalp away first. Automatic does so where the check finds them. A mask that you corrected is used instead.</source>
        <translation>Zuerst Schädel und Kopfhaut entfernen. „Automatisch“ tut es, wo die Prüfung sie findet. Eine korrigierte Maske wird stattdessen benutzt.</translation>
    </message>
    <message>
        <source>To have the brain found anew, delete the segment of the mask in the Segment Editor.</source>
        <translation>Um das Gehirn neu finden zu lassen, das Segment der Maske im Segment Editor löschen.</translation>
    </message>
</context>
<context>
    <name>scene.input_section</name>
    <message>
        <source>Study:</source>
        <translation>Studie:</translation>
    </message>
    <message>
        <source>Swap {one} and {other}</source>
        <translation>{one} und {other} tauschen</translation>
    </message>
    <message>
        <source>The scene holds images of several studies. One is segmented at a time: choose which; its images fill the inputs.</source>
        <translation>Die Szene enthält Bilder mehrerer Studien. Segmentiert wird eine zur Zeit: Wählen Sie, welche; ihre Bilder füllen die Eingänge.</translation>
    </message>
    <message>
        <source>Use it for: {task}</source>
        <translation>Benutzen für: {task}</translation>
    </message>
</context>
<context>
    <name>scene.learning_section</name>
    <message>
        <source>Cancel</source>
        <translation>Abbrechen</translation>
    </message>
    <message>
        <source>Dice on one case kept back: {before} before, {after} after learning from {trained}.</source>
        <translation>Dice an einem zurückgehaltenen Fall: {before} vorher, {after} nach dem Lernen aus {trained}.</translation>
    </message>
    <message>
        <source>Dice on {kept} cases kept back: {before} before, {after} after learning from {trained}.</source>
        <translation>Dice an {kept} zurückgehaltenen Fällen: {before} vorher, {after} nach dem Lernen aus {trained}.</translation>
    </message>
    <message>
        <source>Learn from my corrections</source>
        <translation>Aus meinen Korrekturen lernen</translation>
    </message>
    <message>
        <source>Learning was cancelled. The network in use stays.</source>
        <translation>Das Lernen wurde abgebrochen. Das benutzte Netz bleibt.</translation>
    </message>
    <message>
        <source>Starting ...</source>
        <translation>Start ...</translation>
    </message>
    <message>
        <source>Stop learning. The network in use stays.</source>
        <translation>Das Lernen anhalten. Das benutzte Netz bleibt.</translation>
    </message>
    <message>
        <source>Take the learned network away: the one from before is used again.</source>
        <translation>Das gelernte Netz wegnehmen: das vorherige wird wieder benutzt.</translation>
    </message>
    <message>
        <source>That is not better: the network in use stays.</source>
        <translation>Das ist nicht besser: das benutzte Netz bleibt.</translation>
    </message>
    <message>
        <source>The network from before is used again.</source>
        <translation>Das vorherige Netz wird wieder benutzt.</translation>
    </message>
    <message>
        <source>The new network is used; one click takes it back.</source>
        <translation>Das neue Netz wird benutzt; ein Klick nimmt es zurück.</translation>
    </message>
    <message>
        <source>Train the network on the saved cases, and judge it on some that are kept back. It is used only if it is better.</source>
        <translation>Das Netz mit den gespeicherten Fällen trainieren und an zurückgehaltenen prüfen. Es wird nur benutzt, wenn es besser ist.</translation>
    </message>
    <message>
        <source>Use the earlier network</source>
        <translation>Das frühere Netz benutzen</translation>
    </message>
</context>
<context>
    <name>scene.network_info</name>
    <message>
        <source>Licence</source>
        <translation>Lizenz</translation>
    </message>
    <message>
        <source>There are no weights for this task in any of the places: {places}</source>
        <translation>Für diese Aufgabe gibt es keine Gewichte an den Orten: {places}</translation>
    </message>
    <message>
        <source>Trained on</source>
        <translation>Trainiert mit</translation>
    </message>
    <message>
        <source>none</source>
        <translation>keines</translation>
    </message>
</context>
<context>
    <name>scene.networks_section</name>
    <message>
        <source>&lt;b&gt;{title}&lt;/b&gt; ({kind}, {size}).</source>
        <translation>&lt;b&gt;{title}&lt;/b&gt; ({kind}, {size}).</translation>
    </message>
    <message>
        <source>Adding the network ...</source>
        <translation>Das Netz wird hinzugefügt ...</translation>
    </message>
    <message>
        <source>Install what this network needs now ({size}, about {minutes:.0f} min)</source>
        <translation>Jetzt installieren, was dieses Netz braucht ({size}, etwa {minutes:.0f} min)</translation>
    </message>
    <message>
        <source>Installing what the network needs ...</source>
        <translation>Was das Netz braucht, wird installiert ...</translation>
    </message>
    <message>
        <source>It finds: {regions}.</source>
        <translation>Es findet: {regions}.</translation>
    </message>
    <message>
        <source>It needs {packages}, not installed in {python}: install them there, or use the private environment (Advanced).</source>
        <translation>Es braucht {packages}, in {python} nicht installiert: dort installieren oder die eigene Umgebung benutzen (Erweitert).</translation>
    </message>
    <message>
        <source>It needs {packages}, which are installed first: {download} to download, {disk} on disk, about {minutes:.0f} min.</source>
        <translation>Es braucht {packages}; sie werden zuerst installiert: {download} herunterzuladen, {disk} auf der Platte, etwa {minutes:.0f} min.</translation>
    </message>
    <message>
        <source>Licence: {licence}</source>
        <translation>Lizenz: {licence}</translation>
    </message>
    <message>
        <source>Network</source>
        <translation>Netz</translation>
    </message>
    <message>
        <source>Networks of your own: none yet. They are kept in {place}.</source>
        <translation>Eigene Netze: noch keine. Sie liegen in {place}.</translation>
    </message>
    <message>
        <source>Networks of your own: {size} in {place}.</source>
        <translation>Eigene Netze: {size} in {place}.</translation>
    </message>
    <message>
        <source>On disk</source>
        <translation>Auf der Platte</translation>
    </message>
    <message>
        <source>Remove</source>
        <translation>Entfernen</translation>
    </message>
    <message>
        <source>Remove ({size})</source>
        <translation>Entfernen ({size})</translation>
    </message>
    <message>
        <source>Remove {file} and its manifest from {place}? This cannot be undone.</source>
        <translation>{file} und sein Manifest aus {place} entfernen? Das lässt sich nicht zurücknehmen.</translation>
    </message>
    <message>
        <source>So it is with {count} more: see their tips in the table.</source>
        <translation>So ist es mit {count} weiteren: siehe ihre Hinweise in der Tabelle.</translation>
    </message>
    <message>
        <source>The file of a network</source>
        <translation>Die Datei eines Netzes</translation>
    </message>
    <message>
        <source>The folder of a network</source>
        <translation>Der Ordner eines Netzes</translation>
    </message>
    <message>
        <source>The packages are installed.</source>
        <translation>Die Pakete sind installiert.</translation>
    </message>
    <message>
        <source>The server has networks of its own: add them there.</source>
        <translation>Der Server hat seine eigenen Netze: dort hinzufügen.</translation>
    </message>
    <message>
        <source>not stated</source>
        <translation>nicht genannt</translation>
    </message>
    <message>
        <source>{file} cannot be used: {why}</source>
        <translation>{file} kann nicht benutzt werden: {why}</translation>
    </message>
    <message>
        <source>{file} was removed.</source>
        <translation>{file} wurde entfernt.</translation>
    </message>
    <message>
        <source>{regions} and {count} more</source>
        <translation>{regions} und {count} weitere</translation>
    </message>
    <message>
        <source>{title} was added (licence: {licence}).</source>
        <translation>{title} wurde hinzugefügt (Lizenz: {licence}).</translation>
    </message>
</context>
<context>
    <name>scene.panel</name>
    <message>
        <source>Done.</source>
        <translation>Fertig.</translation>
    </message>
    <message>
        <source>Getting ready ...</source>
        <translation>Wird vorbereitet ...</translation>
    </message>
    <message>
        <source>Load a volume and select it above.</source>
        <translation>Ein Volumen laden und oben wählen.</translation>
    </message>
    <message>
        <source>Segment the selected volumes.</source>
        <translation>Die gewählten Volumen segmentieren.</translation>
    </message>
    <message>
        <source>Select at least one input.</source>
        <translation>Mindestens eine Eingabe wählen.</translation>
    </message>
    <message>
        <source>Starting ...</source>
        <translation>Start ...</translation>
    </message>
    <message>
        <source>The corrected brain mask is used.</source>
        <translation>Die korrigierte Hirnmaske wird benutzt.</translation>
    </message>
    <message>
        <source>The inputs look as they should.</source>
        <translation>Die Eingaben sehen aus, wie sie sollen.</translation>
    </message>
    <message>
        <source>{seconds} s on {device}.</source>
        <translation>{seconds} s auf {device}.</translation>
    </message>
</context>
<context>
    <name>scene.parameters</name>
    <message>
        <source>Accurate</source>
        <translation>Genau</translation>
    </message>
    <message>
        <source>Automatic</source>
        <translation>Automatisch</translation>
    </message>
    <message>
        <source>CPU</source>
        <translation>CPU</translation>
    </message>
    <message>
        <source>Fast</source>
        <translation>Schnell</translation>
    </message>
    <message>
        <source>GPU (CUDA)</source>
        <translation>GPU (CUDA)</translation>
    </message>
    <message>
        <source>Off</source>
        <translation>Aus</translation>
    </message>
    <message>
        <source>On</source>
        <translation>Ein</translation>
    </message>
</context>
<context>
    <name>scene.point_markers</name>
    <message>
        <source>Inside</source>
        <translation>Innen</translation>
    </message>
    <message>
        <source>Outside</source>
        <translation>Außen</translation>
    </message>
</context>
<context>
    <name>scene.python_section</name>
    <message>
        <source>Making the environment ...</source>
        <translation>Die Umgebung wird angelegt ...</translation>
    </message>
    <message>
        <source>Private environment: {place}</source>
        <translation>Eigene Umgebung: {place}</translation>
    </message>
    <message>
        <source>PyTorch could not be installed.</source>
        <translation>PyTorch konnte nicht installiert werden.</translation>
    </message>
    <message>
        <source>Remove</source>
        <translation>Entfernen</translation>
    </message>
    <message>
        <source>Remove ({size})</source>
        <translation>Entfernen ({size})</translation>
    </message>
    <message>
        <source>Removing the environment ...</source>
        <translation>Die Umgebung wird entfernt ...</translation>
    </message>
    <message>
        <source>The private environment is ready.</source>
        <translation>Die eigene Umgebung ist bereit.</translation>
    </message>
    <message>
        <source>The private environment is removed.</source>
        <translation>Die eigene Umgebung ist entfernt.</translation>
    </message>
</context>
<context>
    <name>scene.report_section</name>
    <message>
        <source>Report ...</source>
        <translation>Bericht ...</translation>
    </message>
    <message>
        <source>The report was written: {path}</source>
        <translation>Der Bericht wurde geschrieben: {path}</translation>
    </message>
    <message>
        <source>Write a report</source>
        <translation>Einen Bericht schreiben</translation>
    </message>
    <message>
        <source>Write one page with pictures, volumes, lesions and findings (HTML or PDF), and the figures as CSV.</source>
        <translation>Eine Seite mit Bildern, Volumina, Läsionen und Befunden der Prüfung schreiben (HTML oder PDF), dazu die Zahlen als CSV.</translation>
    </message>
</context>
<context>
    <name>scene.shown_section</name>
    <message>
        <source>Area (pixels)</source>
        <translation>Fläche (Pixel)</translation>
    </message>
    <message>
        <source>Area (um2)</source>
        <translation>Fläche (um2)</translation>
    </message>
    <message>
        <source>Areas of the objects</source>
        <translation>Flächen der Objekte</translation>
    </message>
    <message>
        <source>Bright: undecided, a probability near 0.5. Clear: sure, which is not to say right.</source>
        <translation>Hell: unentschieden, eine Wahrscheinlichkeit nahe 0.5. Durchsichtig: sicher, was nicht richtig heißt.</translation>
    </message>
    <message>
        <source>Each label is without those inside it. Lesions, corrections and the report keep to the regions.</source>
        <translation>Jedes Label ist ohne die, die in ihm liegen. Läsionen, Korrekturen und der Bericht bleiben bei den Regionen.</translation>
    </message>
    <message>
        <source>Histogram of the areas</source>
        <translation>Histogramm der Flächen</translation>
    </message>
    <message>
        <source>Labels without overlap</source>
        <translation>Labels ohne Überlappung</translation>
    </message>
    <message>
        <source>Objects</source>
        <translation>Objekte</translation>
    </message>
    <message>
        <source>Show each region without those inside it: {names}.</source>
        <translation>Jede Region ohne die zeigen, die in ihr liegen: {names}.</translation>
    </message>
    <message>
        <source>Show how many objects have which area, in a view of its own. The chart is saved with the scene.</source>
        <translation>Zeigen, wie viele Objekte welche Fläche haben, in einer eigenen Ansicht. Das Diagramm wird mit der Szene gespeichert.</translation>
    </message>
    <message>
        <source>Show where the network is undecided: brightest where its probability is near 0.5, clear where it is sure. A result that was made without such a map gets one first; its segments stay as they are.</source>
        <translation>Zeigen, wo das Netz unentschieden ist: am hellsten, wo seine Wahrscheinlichkeit nahe 0.5 liegt, durchsichtig, wo es sicher ist. Ein Ergebnis, das ohne eine solche Karte entstand, bekommt zuerst eine; seine Segmente bleiben, wie sie sind.</translation>
    </message>
    <message>
        <source>The network is sure everywhere, which is not to say right: the largest uncertainty is {largest} bits.</source>
        <translation>Das Netz ist überall sicher, was nicht richtig heißt: Die größte Unsicherheit ist {largest} Bit.</translation>
    </message>
    <message>
        <source>Uncertainty over the images</source>
        <translation>Unsicherheit über den Bildern</translation>
    </message>
</context>
<context>
    <name>scene.tour_section</name>
    <message>
        <source>&lt;b&gt;Click Segment&lt;/b&gt;, at the bottom. It can be cancelled at any time; Slicer stays free meanwhile.</source>
        <translation>&lt;b&gt;Segmentieren klicken&lt;/b&gt;, ganz unten. Das kann jederzeit abgebrochen werden; Slicer bleibt währenddessen frei.</translation>
    </message>
    <message>
        <source>&lt;b&gt;Load images and choose the task.&lt;/b&gt; The inputs fill themselves from names and DICOM tags; rest the mouse on one to read why. Without images of your own: &lt;i&gt;Sample Data&lt;/i&gt;, &lt;i&gt;MedSegDL&lt;/i&gt;.</source>
        <translation>&lt;b&gt;Bilder laden und die Aufgabe wählen.&lt;/b&gt; Die Eingänge füllen sich aus Namen und DICOM-Tags; wo die Maus auf einem ruht, steht der Grund. Ohne eigene Bilder: &lt;i&gt;Sample Data&lt;/i&gt;, &lt;i&gt;MedSegDL&lt;/i&gt;.</translation>
    </message>
    <message>
        <source>&lt;b&gt;Look, correct, report.&lt;/b&gt; Volumes and lesions appear here; a click on a lesion shows it, &lt;i&gt;Inside&lt;/i&gt; and &lt;i&gt;Outside&lt;/i&gt; redraw an outline, &lt;i&gt;Report&lt;/i&gt; writes a page. Research use only: check every result.</source>
        <translation>&lt;b&gt;Ansehen, korrigieren, berichten.&lt;/b&gt; Volumen und Läsionen erscheinen hier; ein Klick auf eine Läsion zeigt sie, &lt;i&gt;Innen&lt;/i&gt; und &lt;i&gt;Außen&lt;/i&gt; ziehen einen Umriss neu, &lt;i&gt;Bericht&lt;/i&gt; schreibt eine Seite. Nur für die Forschung: Prüfen Sie jedes Ergebnis.</translation>
    </message>
    <message>
        <source>&lt;b&gt;Read the findings.&lt;/b&gt; They say what is unusual about the images, and offer what can be done about it in one click.</source>
        <translation>&lt;b&gt;Die Befunde lesen.&lt;/b&gt; Sie sagen, was an den Bildern ungewöhnlich ist, und bieten an, was sich mit einem Klick dagegen tun lässt.</translation>
    </message>
    <message>
        <source>Done</source>
        <translation>Fertig</translation>
    </message>
    <message>
        <source>Go to the next step.</source>
        <translation>Zum nächsten Schritt gehen.</translation>
    </message>
    <message>
        <source>Help: a tour in four steps</source>
        <translation>Hilfe: ein Rundgang in vier Schritten</translation>
    </message>
    <message>
        <source>Leave the tour</source>
        <translation>Rundgang verlassen</translation>
    </message>
    <message>
        <source>Next</source>
        <translation>Weiter</translation>
    </message>
    <message>
        <source>Show what the parts of this panel are for.</source>
        <translation>Zeigen, wofür die Teile dieses Moduls da sind.</translation>
    </message>
    <message>
        <source>Step {number} of {count}</source>
        <translation>Schritt {number} von {count}</translation>
    </message>
    <message>
        <source>The link below the inputs shows it again.</source>
        <translation>Der Link unter den Eingängen zeigt ihn wieder.</translation>
    </message>
</context>
<context>
    <name>scene.undo_section</name>
    <message>
        <source>Take the last run away: its segments, tables and masks. What was shown before it is shown again.</source>
        <translation>Den letzten Lauf wegnehmen: seine Segmente, Tabellen und Masken. Was vorher gezeigt wurde, ist wieder da.</translation>
    </message>
    <message>
        <source>The run was undone.</source>
        <translation>Der Lauf wurde rückgängig gemacht.</translation>
    </message>
    <message>
        <source>Undo run</source>
        <translation>Lauf rückgängig</translation>
    </message>
</context>
<context>
    <name>scene.widgets</name>
    <message>
        <source>Area (px)</source>
        <translation>Fläche (px)</translation>
    </message>
    <message>
        <source>Chosen, for {reason}.</source>
        <translation>Gewählt, denn {reason}.</translation>
    </message>
    <message>
        <source>Count</source>
        <translation>Anzahl</translation>
    </message>
    <message>
        <source>Diameters (mm)</source>
        <translation>Durchmesser (mm)</translation>
    </message>
    <message>
        <source>Lesion</source>
        <translation>Läsion</translation>
    </message>
    <message>
        <source>Looks like {title}: {against}.</source>
        <translation>Sieht aus wie {title}: {against}.</translation>
    </message>
    <message>
        <source>Object</source>
        <translation>Objekt</translation>
    </message>
    <message>
        <source>Pixels</source>
        <translation>Pixel</translation>
    </message>
    <message>
        <source>Segment</source>
        <translation>Segment</translation>
    </message>
    <message>
        <source>Volume (mL)</source>
        <translation>Volumen (mL)</translation>
    </message>
    <message>
        <source>Voxels</source>
        <translation>Voxel</translation>
    </message>
    <message>
        <source>mL</source>
        <translation>mL</translation>
    </message>
    <message>
        <source>not given</source>
        <translation>nicht gegeben</translation>
    </message>
</context>
<context>
    <name>scene.wording</name>
    <message>
        <source>A CT in Hounsfield units, best in the portal venous phase.</source>
        <translation>Ein CT in Hounsfield-Einheiten, am besten in der portalvenösen Phase.</translation>
    </message>
    <message>
        <source>A picture of cells, grey or in colours.</source>
        <translation>Ein Bild von Zellen, grau oder farbig.</translation>
    </message>
    <message>
        <source>A server, by its address.</source>
        <translation>Ein Server, nach seiner Adresse.</translation>
    </message>
    <message>
        <source>An MR of the head of any weighting, with the skull on.</source>
        <translation>Ein MR des Kopfes beliebiger Wichtung, mit Schädel.</translation>
    </message>
    <message>
        <source>Lesion {name} {number}: {size}, {across}</source>
        <translation>Läsion {name} {number}: {size}, {across}</translation>
    </message>
    <message>
        <source>Lesions - {counted}. A click shows one.</source>
        <translation>Läsionen - {counted}. Ein Klick zeigt eine.</translation>
    </message>
    <message>
        <source>One object, area {area} px. A click shows it.</source>
        <translation>Ein Objekt, Fläche {area} px. Ein Klick zeigt es.</translation>
    </message>
    <message>
        <source>PyTorch for the CPU: {download} to download, {disk} on disk, about {minutes} min. It can be cancelled, goes on where it stopped, and can be removed.</source>
        <translation>PyTorch für die CPU: {download} herunterzuladen, {disk} auf der Platte, etwa {minutes} min. Es kann abgebrochen werden, geht weiter, wo es aufhörte, und kann entfernt werden.</translation>
    </message>
    <message>
        <source>PyTorch with CUDA for the GPU: {download} to download, {disk} on disk, about {minutes} min. It can be cancelled, goes on where it stopped, and can be removed.</source>
        <translation>PyTorch mit CUDA für die GPU: {download} herunterzuladen, {disk} auf der Platte, etwa {minutes} min. Es kann abgebrochen werden, geht weiter, wo es aufhörte, und kann entfernt werden.</translation>
    </message>
    <message>
        <source>T1-weighted, after the contrast agent (gadolinium): T1ce, T1c, T1Gd, T1+C, T1 post. Only here does enhancing tumour show.</source>
        <translation>T1-gewichtet, nach dem Kontrastmittel (Gadolinium): T1ce, T1c, T1Gd, T1+C, T1 KM. Nur hier zeigt sich anreicherndes Tumorgewebe.</translation>
    </message>
    <message>
        <source>T1-weighted, before the contrast agent: T1, T1w, T1n, MPRAGE, SPGR.</source>
        <translation>T1-gewichtet, vor dem Kontrastmittel: T1, T1w, T1n, MPRAGE, SPGR.</translation>
    </message>
    <message>
        <source>T2-weighted with dark fluid: FLAIR, T2-FLAIR, TIRM. Its grid is the result's.</source>
        <translation>T2-gewichtet mit dunkler Flüssigkeit: FLAIR, T2-FLAIR, TIRM. Ihr Gitter ist das des Ergebnisses.</translation>
    </message>
    <message>
        <source>T2-weighted, fluid is bright: T2, T2w, TSE.</source>
        <translation>T2-gewichtet, Flüssigkeit ist hell: T2, T2w, TSE.</translation>
    </message>
    <message>
        <source>This needs the helper program, which does the arithmetic.</source>
        <translation>Dazu braucht es das Hilfsprogramm, das rechnet.</translation>
    </message>
    <message>
        <source>already normalised</source>
        <translation>schon normiert</translation>
    </message>
    <message>
        <source>background is not zero</source>
        <translation>Hintergrund ist nicht null</translation>
    </message>
    <message>
        <source>cannot be seen without it, left empty</source>
        <translation>ohne das nicht zu sehen, bleibt leer</translation>
    </message>
    <message>
        <source>field of view is cut off</source>
        <translation>Sichtfeld ist abgeschnitten</translation>
    </message>
    <message>
        <source>has copied slices</source>
        <translation>hat kopierte Schichten</translation>
    </message>
    <message>
        <source>has few slices</source>
        <translation>hat wenige Schichten</translation>
    </message>
    <message>
        <source>its header is ambiguous</source>
        <translation>sein Header ist mehrdeutig</translation>
    </message>
    <message>
        <source>less</source>
        <translation>weniger</translation>
    </message>
    <message>
        <source>looks like a label map</source>
        <translation>sieht aus wie eine Labelkarte</translation>
    </message>
    <message>
        <source>looks like another kind of image</source>
        <translation>sieht aus wie eine andere Art Bild</translation>
    </message>
    <message>
        <source>may lie otherwise than its header says</source>
        <translation>liegt vielleicht anders, als der Dateikopf sagt</translation>
    </message>
    <message>
        <source>memory may be short</source>
        <translation>Speicher kann knapp werden</translation>
    </message>
    <message>
        <source>missing, less accurate without</source>
        <translation>fehlt, ohne weniger genau</translation>
    </message>
    <message>
        <source>more</source>
        <translation>mehr</translation>
    </message>
    <message>
        <source>nobody waiting</source>
        <translation>niemand wartet</translation>
    </message>
    <message>
        <source>on another grid, will be resampled</source>
        <translation>auf anderem Gitter, wird umgetastet</translation>
    </message>
    <message>
        <source>overlaps little with the others</source>
        <translation>überlappt wenig mit den anderen</translation>
    </message>
    <message>
        <source>part of the result lies outside of the body</source>
        <translation>ein Teil des Ergebnisses liegt außerhalb des Körpers</translation>
    </message>
    <message>
        <source>seems to be exchanged with another input</source>
        <translation>scheint mit einer anderen Eingabe vertauscht</translation>
    </message>
    <message>
        <source>seems to be mirrored</source>
        <translation>scheint gespiegelt</translation>
    </message>
    <message>
        <source>skull present</source>
        <translation>mit Schädel</translation>
    </message>
    <message>
        <source>small parts beside a much larger one are left out</source>
        <translation>kleine Teile neben einem viel größeren wurden weggelassen</translation>
    </message>
    <message>
        <source>the result is doubtful without it</source>
        <translation>ohne das ist das Ergebnis zweifelhaft</translation>
    </message>
    <message>
        <source>the result is scattered in many parts</source>
        <translation>das Ergebnis ist in viele Teile verstreut</translation>
    </message>
    <message>
        <source>the result reaches the border of the image</source>
        <translation>das Ergebnis reicht an den Bildrand</translation>
    </message>
    <message>
        <source>the result takes more than can be</source>
        <translation>das Ergebnis nimmt mehr ein als möglich</translation>
    </message>
    <message>
        <source>the same image twice</source>
        <translation>dasselbe Bild zweimal</translation>
    </message>
    <message>
        <source>thick slices</source>
        <translation>dicke Schichten</translation>
    </message>
    <message>
        <source>unusual size</source>
        <translation>ungewöhnliche Größe</translation>
    </message>
    <message>
        <source>very large</source>
        <translation>sehr groß</translation>
    </message>
    <message>
        <source>{count} inputs</source>
        <translation>{count} Eingaben</translation>
    </message>
    <message>
        <source>{count} object</source>
        <translation>{count} Objekt</translation>
    </message>
    <message>
        <source>{count} objects</source>
        <translation>{count} Objekte</translation>
    </message>
    <message>
        <source>{count} objects, mean area {area} px. A click shows one.</source>
        <translation>{count} Objekte, mittlere Fläche {area} px. Ein Klick zeigt eines.</translation>
    </message>
    <message>
        <source>{count} waiting</source>
        <translation>{count} warten</translation>
    </message>
    <message>
        <source>{density} per megapixel: the picture states no size of its pixels.</source>
        <translation>{density} pro Megapixel: Das Bild nennt keine Größe seiner Pixel.</translation>
    </message>
    <message>
        <source>{density} per mm2, at {area} um2 a pixel.</source>
        <translation>{density} pro mm2, bei {area} um2 je Pixel.</translation>
    </message>
    <message>
        <source>{name} takes {share} % of {organ}.</source>
        <translation>{name} nimmt {share} % von {organ} ein.</translation>
    </message>
</context>
</TS>
